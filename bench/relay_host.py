"""The native relay alone in a process, as `vestibule serve` has it in its own: prints its port."""

import signal
import sys

from vestibule._native import Relay


def main() -> None:
    """Serve the given users, with loopback peers, until a signal."""
    relay = Relay(
        bind=["127.0.0.1"],
        ports=[0],
        advertise=["127.0.0.1"],
        realm="bench",
        allowed_peers=["127.0.0.0/8"],
        allocations_per_person=100,
    )
    for username in sys.argv[2:]:
        relay.add_credential(username, sys.argv[1], 3600.0)
    print(relay.ports[0], flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    relay.close()


if __name__ == "__main__":
    main()
