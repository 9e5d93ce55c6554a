"""Processes that measurements start, and sockets that they are given."""

import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
DATAGRAMS = Path(__file__).parent / "datagrams" / "target" / "release" / "datagrams"

_FIRST_GIVEN = 300
"""The number that the first socket has in a process it is given to."""


class CannotStart(Exception):
    """A server that isn't there, or that doesn't do what is measured."""


@contextmanager
def datagrams(
    sockets: Sequence[socket.socket], *arguments: str, stdin: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run the program in `bench/datagrams` over these sockets."""
    numbers = range(_FIRST_GIVEN, _FIRST_GIVEN + len(sockets))
    for each, number in zip(sockets, numbers, strict=True):
        os.dup2(each.fileno(), number, inheritable=True)
    given = {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDS_FIRST_FD": str(_FIRST_GIVEN)}
    try:
        with process(
            [str(DATAGRAMS), *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            env=os.environ | given,
            pass_fds=tuple(numbers),
        ) as running:
            yield running
    finally:
        os.closerange(numbers.start, numbers.stop)


def bound_socket() -> socket.socket:
    """A UDP socket on loopback."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    return made


@contextmanager
def process(
    command: list[str],
    *,
    stdout: int,
    stderr: int | None = None,
    stdin: int | None = None,
    env: dict[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed at the end of the block."""
    with subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env,
        pass_fds=pass_fds,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def own_address() -> str:
    """The machine's address on its network, which is reached over loopback as well; loopback's if there is none.

    Janus and its ICE library never offer 127.0.0.1.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # RFC 5737; connecting sends nothing
        except OSError:
            return HOST
        return str(probe.getsockname()[0])


def free_port() -> int:
    """A UDP port of loopback that nobody has at the moment."""
    with bound_socket() as probe:
        return int(probe.getsockname()[1])
