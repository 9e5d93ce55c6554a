"""What a relayed datagram costs us, coturn and a loop without a protocol: `python -m bench.relay`."""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from bench import relay_servers
from bench.cpu import cpu_seconds, memory_kib
from bench.machine import this_machine
from bench.processes import CannotStart, datagrams
from bench.relay_servers import Pairs, TurnServer

RESULTS = Path(__file__).parent / "results" / "relay.json"
SIZES = (200, 1200)
COTURN, OURS, BARE = "coturn", "Vestibule", "bare loop"
SETTLE_SECONDS = 0.05
"""What a server does after its last datagram belongs to it too."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent through a relay, both ways."""

    name: str
    pairs: int
    rate: int
    """Datagrams a second, all together; 0: as many as come back."""


STEADY = Traffic("20,000 packets/s", pairs=50, rate=20_000)
SATURATED = Traffic("saturated", pairs=8, rate=0)


@dataclass(frozen=True, slots=True)
class Cost:
    """One measurement."""

    micros: float
    """CPU of the server for each datagram that arrived."""
    rate: float
    """Datagrams that arrived in a second."""
    lost: float
    """The part of the datagrams that did not."""


Costs = dict[tuple[str, int, str], list[Cost]]
"""By traffic, size and relay."""


Relaying = Callable[[int], AbstractContextManager[tuple[int, Pairs]]]
"""Joins so many pairs; gives the process that relays and them."""


@dataclass(frozen=True, slots=True)
class Allocating:
    """What allocations cost."""

    micros: float
    memory_kib: float


def main(
    *,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each measurement sends.")] = 4.0,
    runs: Annotated[int, typer.Option(min=1, help="How often; the table has medians.")] = 3,
    allocations: Annotated[int, typer.Option(min=10, help="For memory and time of each.")] = 1000,
) -> None:
    """Relay the same datagrams by coturn, by Vestibule and by a loop that asks nothing, and compare.

    ChannelData of 200 and 1200 octets, both ways, over loopback: 50 pairs with 20,000 datagrams a
    second all together, evenly spaced; and 8 pairs with as many as come back. The figure is CPU of
    the server's process for each datagram that arrived. Writes bench/results/relay.json, prints a
    table. bench/README.md says how to read it.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    costs: Costs = {}
    made: dict[str, list[Allocating]] = {COTURN: [], OURS: []}
    try:
        for run in range(runs):
            _tell(f"run {run + 1} of {runs}")
            for name, start in ((COTURN, relay_servers.coturn), (OURS, relay_servers.vestibule)):
                with start() as server:
                    made[name].append(_allocate(server, allocations))
                    _relay(costs, name, _through(server), seconds)
            _relay(costs, BARE, relay_servers.bare_loop, seconds)
    except CannotStart as error:
        _tell(str(error))
        raise typer.Exit(2) from None
    _print_table(costs, made)
    _write(costs, made)


def _through(server: TurnServer) -> Relaying:
    @contextmanager
    def relaying(count: int) -> Iterator[tuple[int, Pairs]]:
        with server.pairs(count) as pairs:
            yield server.pid, pairs

    return relaying


def _relay(costs: Costs, name: str, relaying: Relaying, seconds: float) -> None:
    for traffic in (STEADY, SATURATED):
        for size in SIZES:
            with relaying(traffic.pairs) as (pid, pairs):
                cost = _measure(pid, pairs, traffic, size, seconds)
            _tell(f"  {name}, {traffic.name}, {size} octets: {cost.micros:.2f} µs")
            costs.setdefault((traffic.name, size, name), []).append(cost)


def _measure(pid: int, pairs: Pairs, traffic: Traffic, size: int, seconds: float) -> Cost:
    what = ["--size", str(size), "--seconds", str(seconds), "--rate", str(traffic.rate)]
    begun = cpu_seconds(pid)
    with datagrams(pairs.sockets, "load", *what) as process:
        tally = json.loads(process.communicate()[0])
    time.sleep(SETTLE_SECONDS)
    spent = cpu_seconds(pid) - begun
    if tally["wrong"] or not tally["received"]:
        raise CannotStart(f"datagrams did not come through whole: {tally}")
    lost = 1 - tally["received"] / tally["sent"]
    return Cost(spent * 1e6 / tally["received"], tally["received"] / tally["seconds"], lost)


def _allocate(server: TurnServer, count: int) -> Allocating:
    """Allocations with a channel each, all held at the same time."""
    with server.pairs(count // 10):
        pass  # whatever is made once is made now
    memory, begun = memory_kib(server.pid), cpu_seconds(server.pid)
    with server.pairs(count):
        spent = cpu_seconds(server.pid) - begun
        grown = memory_kib(server.pid) - memory
    return Allocating(spent * 1e6 / count, grown / count)


# --- what comes of it: progress to stderr, the table to stdout, everything into the file ---


def _ratio(costs: Costs, traffic: Traffic, to: str) -> float:
    """Ours to another's, of the size at which we look worse."""
    return max(
        _median(costs, traffic, size, OURS) / _median(costs, traffic, size, to) for size in SIZES
    )


def _median(costs: Costs, traffic: Traffic, size: int, name: str) -> float:
    return median(cost.micros for cost in costs[traffic.name, size, name])


def _print_table(costs: Costs, made: dict[str, list[Allocating]]) -> None:
    print("| | coturn | Vestibule | bare loop | ours / coturn | ours / bare |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for traffic in (STEADY, SATURATED):
        for size in SIZES:
            theirs, own, bare = (
                _median(costs, traffic, size, name) for name in (COTURN, OURS, BARE)
            )
            figures = (
                f"{theirs:.2f} | {own:.2f} | {bare:.2f} | {own / theirs:.2f} | {own / bare:.2f}"
            )
            print(f"| {traffic.name}, {size} octets, µs a datagram | {figures} |")
    for what in ("micros", "memory_kib"):
        unit = {"micros": "allocation with a channel, µs", "memory_kib": "its memory, KiB"}[what]
        theirs, own = (median(getattr(each, what) for each in made[it]) for it in (COTURN, OURS))
        print(f"| {unit} | {theirs:.1f} | {own:.1f} | | {own / theirs:.2f} | |")


def _write(costs: Costs, made: dict[str, list[Allocating]]) -> None:
    result = {
        "ratio_20kpps": round(_ratio(costs, STEADY, COTURN), 3),
        "ratio_saturated": round(_ratio(costs, SATURATED, COTURN), 3),
        "ratio_saturated_to_bare": round(_ratio(costs, SATURATED, BARE), 3),
        "machine": asdict(this_machine()),
        "costs": [
            {"traffic": traffic, "size": size, "relay": name, "runs": _rounded(each)}
            for (traffic, size, name), each in costs.items()
        ],
        "allocations": {name: _rounded(each) for name, each in made.items()},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    _tell("written: bench/results/relay.json")


def _rounded(each: Sequence[Cost] | Sequence[Allocating]) -> list[dict[str, float]]:
    return [{key: round(value, 4) for key, value in asdict(one).items()} for one in each]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
