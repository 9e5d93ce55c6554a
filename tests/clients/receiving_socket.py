"""A UDP socket on a host that counts what it is sent."""

import select

from tests.clients.namespaces import Host


class ReceivingSocket:
    """Bound to a port of its own."""

    def __init__(self, host: Host) -> None:
        self.udp = host.udp()
        self.udp.bind((host.address, 0))
        self.udp.setblocking(False)
        self.port: int = self.udp.getsockname()[1]

    def close(self) -> None:
        """Receive no more."""
        self.udp.close()

    def receives(self, packets: int, what: str) -> bytes:
        """Wait for so many packets more; the last of them. `what` they are of is for the failure."""
        newest = b""
        for _ in range(packets):
            ready, _, _ = select.select([self.udp], [], [], 20)
            assert ready, f"{what} doesn't come"
            newest = self.udp.recv(2048)
        return newest

    def has_received(self) -> bool:
        """Whether a packet is there."""
        return bool(select.select([self.udp], [], [], 0)[0])

    def forget(self) -> None:
        """Throw away what has come."""
        while self.has_received():
            self.udp.recv(2048)
