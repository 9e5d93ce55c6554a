"""A bad network between a host and the rest: frames are lost, late and out of order, both ways.

The kernel's own `netem` isn't to be had everywhere, so a thread carries frames between two interfaces of a
namespace that stands between. What is lost is drawn from a seed, so that a test meets the same network each time.
"""

import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from tests.clients.namespaces import Host, Network

_EVERY_PROTOCOL = 0x0003
_PACKET = 263  # SOL_PACKET
_VNET_HEADER = (
    15  # PACKET_VNET_HDR: checksums that the sender left to its network card stay marked so
)
_HEADER_LENGTH = 10
_IPV4 = b"\x08\x00"
_LARGEST = 128 * 1024


@dataclass(frozen=True, slots=True)
class Badness:
    """What a link does to the IPv4 packets of one direction."""

    loss: float = 0.05
    """The share that never arrives."""
    delay: float = 0.1
    """Seconds that each one takes."""
    reordered: float = 0.02
    """The share that takes longer than those behind it."""
    held_back: float = 0.05
    """Seconds that such a one takes longer."""


_USUAL = Badness()


class LossyLink:
    """Stands between a host and its network until the block ends; then the host is cut off."""

    def __init__(
        self, network: Network, host: Host, badness: Badness = _USUAL, seed: int = 1
    ) -> None:
        between = network.cut(host)
        self._badness = badness
        self._random = random.Random(seed)
        self._number = itertools.count()
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []
        sockets = [
            between.made_here(partial(_tap, "inner")),
            between.made_here(partial(_tap, "outer")),
        ]
        self._across = {sockets[0]: sockets[1], sockets[1]: sockets[0]}
        self._stopped = threading.Event()
        self.carried = 0
        """IPv4 packets that have arrived or will."""
        self.lost = 0
        """Those that won't."""
        self.reordered = 0
        """Those that were held back."""

    def __enter__(self) -> "LossyLink":
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        for each in self._across:
            each.close()

    def _carry(self) -> None:
        while not self._stopped.is_set():
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, out, frame = heapq.heappop(self._waiting)
                _send(out, frame)
            until = self._waiting[0][0] - now if self._waiting else 0.1
            for source in select.select(list(self._across), [], [], min(until, 0.1))[0]:
                self._take(source)

    def _take(self, source: socket.socket) -> None:
        try:
            frame, sender = source.recvfrom(_LARGEST)
        except OSError:  # the interface went away with its host
            return
        if sender[2] == socket.PACKET_OUTGOING:
            return
        delay = self._fate(frame)
        if delay is not None:
            entry = (time.monotonic() + delay, next(self._number), self._across[source], frame)
            heapq.heappush(self._waiting, entry)

    def _fate(self, frame: bytes) -> float | None:
        """Seconds until a frame arrives; `None` if it doesn't. Finding each other's hardware address is no game."""
        if frame[_HEADER_LENGTH + 12 : _HEADER_LENGTH + 14] != _IPV4:
            return 0.0
        if self._random.random() < self._badness.loss:
            self.lost += 1
            return None
        self.carried += 1
        if self._random.random() < self._badness.reordered:
            self.reordered += 1
            return self._badness.delay + self._badness.held_back
        return self._badness.delay


def _tap(interface: str) -> socket.socket:
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
    tap.setsockopt(_PACKET, _VNET_HEADER, struct.pack("i", 1))
    tap.bind((interface, _EVERY_PROTOCOL))
    return tap


def _send(out: socket.socket, frame: bytes) -> None:
    try:
        out.send(frame)
    except OSError:  # no room: one more that is lost
        return
