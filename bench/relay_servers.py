"""What relays in the relay benchmark: coturn, ours, and a loop without a protocol."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.processes import HOST, CannotStart, bound_socket, datagrams, free_port, process
from bench.turn_client import Address, TurnClient, udp_from

REALM = "bench"
PASSWORD = "secret"
USERS = tuple(f"user{index}" for index in range(100))
_START_SECONDS = 20.0


@dataclass(slots=True)
class Pairs:
    """Clients and their peers, each pair joined through a relay: sockets in the order of `load`."""

    sockets: list[socket.socket] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sockets) // 2

    def close(self) -> None:
        """Let go of everything."""
        for each in self.sockets:
            each.close()


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN server that runs."""

    name: str
    pid: int
    address: Address

    @contextmanager
    def pairs(self, count: int) -> Iterator[Pairs]:
        """So many allocations, each with a channel to a peer of its own."""
        pairs = Pairs()
        try:
            for index in range(count):
                client, peer = self.client(index), bound_socket()
                pairs.sockets += [client.line, peer]
                peer.connect(client.allocate())
                client.bind_channel(peer.getsockname())
            yield pairs
        finally:
            pairs.close()

    def client(self, index: int) -> TurnClient:
        """One of many: users and source networks in turn, so that no limit by either is near."""
        source = f"127.{index // 200 % 200}.{index % 200}.1"
        line = udp_from(source, self.address)
        return TurnClient(line, USERS[index % len(USERS)], PASSWORD)


@contextmanager
def coturn() -> Iterator[TurnServer]:
    """coturn, UDP only, as few words as possible, otherwise by its defaults."""
    command = shutil.which("turnserver")
    if command is None:
        raise CannotStart("coturn is missing: `scripts/system-packages bench` installs it")
    port = free_port()
    options = ["-n", "-L", HOST, "-E", HOST, "-p", str(port), "-a", "-r", REALM]
    options += ["--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "-l", os.devnull]
    for user in USERS:
        options += ["-u", f"{user}:{PASSWORD}"]
    quiet = subprocess.DEVNULL
    with process([command, *options], stdout=quiet, stderr=quiet) as running:
        server = TurnServer("coturn", running.pid, (HOST, port))
        _wait_for(server)
        yield server


@contextmanager
def vestibule() -> Iterator[TurnServer]:
    """Our relay, in a process of its own."""
    command = [sys.executable, "-m", "bench.relay_host", PASSWORD, *USERS]
    with process(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        yield TurnServer("Vestibule", running.pid, (HOST, int(running.stdout.readline())))


@contextmanager
def bare_loop(count: int) -> Iterator[tuple[int, Pairs]]:
    """A process that forwards without asking, and so many pairs through it; gives its id."""
    pairs = Pairs()
    with ExitStack() as given:
        door = given.enter_context(bound_socket())
        sockets, ports = [door], []
        for _ in range(count):
            client, relayed, peer = bound_socket(), bound_socket(), bound_socket()
            given.enter_context(relayed)
            client.connect(door.getsockname())
            relayed.connect(peer.getsockname())
            peer.connect(relayed.getsockname())
            pairs.sockets += [client, peer]
            sockets.append(relayed)
            ports.append(str(client.getsockname()[1]))
        given.callback(pairs.close)
        with datagrams(sockets, "forward", *ports) as running:
            assert running.stdout is not None
            running.stdout.readline()
            yield running.pid, pairs


def _wait_for(server: TurnServer) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        client = server.client(0)
        client.line.settimeout(0.2)
        try:
            client.allocate()
        except OSError:
            if time.monotonic() > deadline:
                raise CannotStart(f"{server.name} does not answer") from None
        else:
            return
        finally:
            client.close()
