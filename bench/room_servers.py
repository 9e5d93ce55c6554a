"""What forwards and mixes in the room benchmark, Janus and ours, and the peers that meet there."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from bench.janus import Janus, janus
from bench.processes import HOST, CannotStart, bound_socket, datagrams, own_address, process

SUITE = "AES_CM_128_HMAC_SHA1_80"
"""What most phones have."""
MASTER = bytes(range(30)).hex()
"""Key and salt of every phone: nothing here is secret."""
PAYLOAD_TYPE = 96

_VIDEO_ROOM, _MIX = 1, 2


class Lines:
    """A process that answers each line of JSON by one."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        assert running.stdin is not None
        assert running.stdout is not None
        self.pid = running.pid
        self._asked: IO[str] = running.stdin
        self._said: IO[str] = running.stdout

    def ask(self, **message: Any) -> dict[str, Any]:
        """Raises CannotStart if it says that something went wrong, or nothing."""
        print(json.dumps(message), file=self._asked, flush=True)
        line = self._said.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise CannotStart(f"{message.get('do', 'room host')}: {answer['error']}")
        return answer


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    pid: int
    publish: Callable[[Lines], None]
    """Connect the first peer, who will send video."""
    subscribe: Callable[[Lines], None]
    """Connect another, who will be sent it."""
    phone: Callable[[int, int], int]
    """Let a phone in, by its number and its port; gives the port to send to."""
    talk_options: tuple[str, ...]
    """How phones protect what they send."""


Start = Callable[[], Any]


@contextmanager
def peers() -> Iterator[Lines]:
    """The WebRTC peers of `bench/datagrams`."""
    with datagrams([], "meet", "--address", own_address(), stdin=subprocess.PIPE) as running:
        yield Lines(running)


@contextmanager
def phones(server: Server, count: int) -> Iterator[Sequence[socket.socket]]:
    """So many phones in the mix, in the order in which `talk` numbers them."""
    sockets = [bound_socket() for _ in range(count)]
    try:
        for number, each in enumerate(sockets):
            each.connect((HOST, server.phone(number, each.getsockname()[1])))
        yield sockets
    finally:
        for each in sockets:
            each.close()


@contextmanager
def vestibule() -> Iterator[Server]:
    """Our room, in a process of its own. Whoever joins may send, as in a meeting."""
    command = [sys.executable, "-m", "bench.room_host", own_address()]
    pipe = subprocess.PIPE
    with process(command, stdin=pipe, stdout=pipe) as running:
        host = Lines(running)

        def join(peers: Lines) -> None:
            offer = peers.ask(do="offer_slots")
            answer = host.ask(endpoint=f"peer {offer['peer']}", offer=offer["sdp"])
            peers.ask(do="accept", peer=offer["peer"], sdp=answer["answer"])

        def phone(number: int, port: int) -> int:
            leg = {"suite": SUITE, "master": MASTER, "payload_type": PAYLOAD_TYPE}
            return int(host.ask(endpoint=f"phone {number}", port=port, **leg)["port"])

        options = ("--suite", SUITE, "--master", MASTER)
        yield Server(host.pid, join, join, phone, options)


def janus_mixing_at(rate: int) -> Callable[[], Any]:
    """Janus, whose AudioBridge mixes at so many samples a second."""

    @contextmanager
    def start() -> Iterator[Server]:
        with janus() as server:
            yield _prepared(server, rate)

    return start


def _prepared(server: Janus, rate: int) -> Server:
    videoroom, bridge = server.attach("videoroom"), server.attach("audiobridge")
    # No limit of bandwidth: what is asked of the sender is not what is measured.
    create = {"request": "create", "room": _VIDEO_ROOM, "publishers": 1, "bitrate": 0}
    videoroom.ask({**create, "audiocodec": "opus", "videocodec": "vp8"})
    mix = {"request": "create", "room": _MIX, "sampling_rate": rate}
    bridge.ask({**mix, "allow_rtp_participants": True})
    feed: list[int] = []

    def publish(peers: Lines) -> None:
        handle = server.attach("videoroom")
        join = {"request": "join", "ptype": "publisher", "room": _VIDEO_ROOM}
        feed.append(handle.ask(join)[0]["id"])
        offer = peers.ask(do="offer_video")
        _, answer = handle.ask({"request": "publish"}, offer["sdp"])
        peers.ask(do="accept", peer=offer["peer"], sdp=answer)

    def subscribe(peers: Lines) -> None:
        handle = server.attach("videoroom")
        join = {"request": "join", "ptype": "subscriber", "room": _VIDEO_ROOM}
        _, offer = handle.ask({**join, "streams": [{"feed": feed[0]}]})
        answer = peers.ask(do="answer", sdp=offer)
        handle.ask({"request": "start"}, answer["sdp"], "answer")

    def phone(number: int, port: int) -> int:
        handle = server.attach("audiobridge")
        rtp = {"ip": HOST, "port": port, "payload_type": PAYLOAD_TYPE}
        join = {"request": "join", "room": _MIX, "display": f"phone {number}", "rtp": rtp}
        return int(handle.ask(join)[0]["rtp"]["port"])

    # Its RTP participants can't have SRTP, so it is spared that.
    return Server(server.pid, publish, subscribe, phone, ())
