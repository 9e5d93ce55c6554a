"""What a forwarded packet and a mixed participant cost us and Janus: `python -m bench.room`."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from bench import room_servers
from bench.cpu import cpu_seconds
from bench.machine import this_machine
from bench.processes import CannotStart, datagrams
from bench.room_servers import PAYLOAD_TYPE, Lines, Server

RESULTS = Path(__file__).parent / "results" / "room.json"
JANUS, OURS = "Janus", "Vestibule"
BUSY, THIN = 600, 200
"""Packets a second from the one who sends: 50 times 600 would fill what Janus has."""
PAYLOAD = 1160
"""Octets: with RTP header, extensions and tag it makes about 1200."""
RECEIVERS = (10, 50)
PARTICIPANTS = (10, 30)
TALKERS = 3
WARM_UP_SECONDS = 1.5
MOST_WARM_UPS = 20
"""Bandwidth has to be found first: until then a room sends some receivers nothing."""
SETTLE_SECONDS = 0.05
MOST_LOST = 0.02
HEARD_DBOV = -45.0
"""Quieter than this, nobody was heard."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How one sender's packets come to so many receivers."""

    receivers: int
    rate: int
    """Packets a second from the one who sends."""
    frames: bool
    """A thirtieth of a second's packets together, as a browser sends a frame; else one by one."""

    @property
    def name(self) -> str:
        """For tables and files."""
        how = "frames" if self.frames else "one by one"
        return f"{self.receivers} receivers, {self.rate} packets/s, {how}"


FORWARDINGS = tuple(
    Forwarding(many, rate, frames)
    for many, rate in ((10, BUSY), (10, THIN), (50, THIN))
    for frames in (False, True)
)


@dataclass(slots=True)
class Figures:
    """What was measured of one server, a number for each run."""

    forward: dict[str, list[float]] = field(default_factory=dict)
    """By forwarding: µs for each packet that arrived."""
    lost: dict[str, list[float]] = field(default_factory=dict)
    """By forwarding: packets that didn't arrive, of all that should have."""
    join: dict[str, list[float]] = field(default_factory=dict)
    """ms for each of the first and of the last ten receivers of fifty."""
    mix: dict[str, list[float]] = field(default_factory=dict)
    """By number of participants: ms for each of them and second."""


Starting = Callable[[], AbstractContextManager[Server]]


def main(
    *,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each measurement lasts.")] = 5.0,
    runs: Annotated[int, typer.Option(min=1, help="How often; the table has medians.")] = 3,
    janus_rate: Annotated[int, typer.Option(help="Samples a second of Janus's mix.")] = 16_000,
) -> None:
    """Let the same peers meet in Janus and in our room, and compare.

    One WebRTC peer sends video, 600 or 200 packets a second of about 1200 octets each to 10 others,
    200 to 50; and 10 and 30 phones, of whom three talk, hear a mix. The figure is CPU of the server's
    process. Writes bench/results/room.json, prints a table. bench/README.md says how to read it.
    """
    figures = {JANUS: Figures(), OURS: Figures()}
    servers: dict[str, Starting] = {
        JANUS: room_servers.janus_mixing_at(janus_rate),
        OURS: room_servers.vestibule,
    }
    try:
        for run in range(runs):
            _tell(f"run {run + 1} of {runs}")
            for name, start in servers.items():
                _forward(figures[name], name, start, seconds)
                _mix(figures[name], name, start, seconds)
    except CannotStart as error:
        _tell(str(error))
        raise typer.Exit(2) from None
    print_table(figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result(figures, janus_rate), indent=1) + "\n")
    _tell("written: bench/results/room.json")


def _forward(figures: Figures, name: str, start: Starting, seconds: float) -> None:
    with start() as server, room_servers.peers() as peers:
        server.publish(peers)
        peers.ask(do="connect")
        # What is never sent can't be subscribed to everywhere.
        _send(peers, WARM_UP_SECONDS, FORWARDINGS[0])
        present = 0
        for many in RECEIVERS:
            joins = [_join(server, peers) for _ in range(many - present)]
            which = "last ten" if present else "first ten"
            figures.join.setdefault(which, []).append(median(joins[-10:]))
            present = many
            for forwarding in (each for each in FORWARDINGS if each.receivers == many):
                cost, lost = _forwarded(server, peers, forwarding, seconds)
                figures.forward.setdefault(forwarding.name, []).append(cost)
                figures.lost.setdefault(forwarding.name, []).append(lost)
                _tell(f"  {name}, {forwarding.name}: {cost:.2f} µs a packet")


def _join(server: Server, peers: Lines) -> float:
    """CPU of the server for one more receiver, from its SDP to being connected, in ms."""
    begun = cpu_seconds(server.pid)
    server.subscribe(peers)
    peers.ask(do="connect")
    return (cpu_seconds(server.pid) - begun) * 1e3


def _forwarded(
    server: Server, peers: Lines, forwarding: Forwarding, seconds: float
) -> tuple[float, float]:
    """µs for each packet that arrived, and the share of packets that didn't."""
    for _ in range(MOST_WARM_UPS):
        tally = _send(peers, WARM_UP_SECONDS, forwarding)
        if _lost(tally, forwarding) <= MOST_LOST:
            break
    begun = cpu_seconds(server.pid)
    tally = _send(peers, seconds, forwarding)
    time.sleep(SETTLE_SECONDS)
    spent = cpu_seconds(server.pid) - begun
    check(tally, tally["sent"] * forwarding.receivers)
    return spent * 1e6 / float(tally["received"]), _lost(tally, forwarding)


def _lost(tally: dict[str, Any], forwarding: Forwarding) -> float:
    return 1.0 - float(tally["received"]) / float(tally["sent"] * forwarding.receivers)


def _send(peers: Lines, seconds: float, forwarding: Forwarding) -> dict[str, Any]:
    what = {"rate": forwarding.rate, "size": PAYLOAD, "frames": forwarding.frames}
    return peers.ask(do="send", peer=0, seconds=seconds, **what)


def _mix(figures: Figures, name: str, start: Starting, seconds: float) -> None:
    for count in PARTICIPANTS:
        with start() as server, room_servers.phones(server, count) as sockets:
            cost = _mixed(server, sockets, seconds)
        figures.mix.setdefault(f"{count} participants", []).append(cost)
        _tell(f"  {name}, mix of {count}: {cost:.2f} ms a participant-second")


def _mixed(server: Server, sockets: Any, seconds: float) -> float:
    what = ["--payload-type", str(PAYLOAD_TYPE), "--talkers", str(TALKERS)]
    what += [*server.talk_options, "--seconds", str(seconds)]
    with datagrams(sockets, "talk", *what) as talking:
        assert talking.stdout is not None
        talking.stdout.readline()
        begun = cpu_seconds(server.pid)
        tally = json.loads(talking.communicate()[0])
        spent = cpu_seconds(server.pid) - begun
    if tally["heard_dbov"] < HEARD_DBOV:
        raise CannotStart(f"nobody was heard: {tally}")
    check(tally, tally["sent"])
    return spent * 1e3 / (len(sockets) * float(tally["seconds"]))


def check(tally: dict[str, Any], expected: float) -> None:
    """Raises CannotStart if too little arrived to mean anything, or something that wasn't right."""
    if tally["wrong"] or tally["received"] < expected * (1 - MOST_LOST):
        raise CannotStart(f"of {expected} packets not all came through whole: {tally}")


# --- what comes of it: progress to stderr, the table to stdout, everything into the file ---


def ratio_forward(figures: dict[str, Figures], rate: int) -> float:
    """Ours to Janus's, of the forwarding at that rate in which we look worst."""
    return max(_ratio(figures, "forward", each.name) for each in FORWARDINGS if each.rate == rate)


def ratio_mix(figures: dict[str, Figures]) -> float:
    """Ours to Janus's, of the number of participants at which we look worse."""
    return max(_ratio(figures, "mix", f"{count} participants") for count in PARTICIPANTS)


def growth(figures: Figures, *, frames: bool) -> float:
    """What a packet costs with most receivers, to what it costs with fewest at the same rate."""
    compared = (Forwarding(each, THIN, frames).name for each in RECEIVERS)
    few, many = (median(figures.forward[each]) for each in compared)
    return many / few


def result(figures: dict[str, Figures], janus_rate: int) -> dict[str, Any]:
    """What the file holds."""
    ours = figures[OURS]
    return {
        "ratio_forward": round(ratio_forward(figures, BUSY), 3),
        "ratio_forward_thin": round(ratio_forward(figures, THIN), 3),
        "ratio_mix": round(ratio_mix(figures), 3),
        "growth_one_by_one": round(growth(ours, frames=False), 3),
        "growth_frames": round(growth(ours, frames=True), 3),
        "janus_sampling_rate": janus_rate,
        "machine": asdict(this_machine()),
        "figures": {name: asdict(each) for name, each in figures.items()},
    }


def print_table(figures: dict[str, Figures]) -> None:
    """As bench/README.md has it."""
    print("| | Janus | Vestibule | ours / Janus |")
    print("| --- | ---: | ---: | ---: |")
    units = {"forward": "µs a packet", "join": "ms a join", "mix": "ms a participant-second"}
    for kind, unit in units.items():
        for what in getattr(figures[OURS], kind):
            theirs, own = (median(getattr(figures[name], kind)[what]) for name in (JANUS, OURS))
            print(f"| {what}, {unit} | {theirs:.2f} | {own:.2f} | {own / theirs:.2f} |")


def _ratio(figures: dict[str, Figures], kind: str, what: str) -> float:
    theirs, own = (median(getattr(figures[name], kind)[what]) for name in (JANUS, OURS))
    return float(own / theirs)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
