"""What a registration, a message and a call cost us and Kamailio: `python -m bench.signalling`."""

import asyncio
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
import uvloop

from bench import servers
from bench.cpu import cpu_seconds, memory_kib
from bench.load import Account, ActFailed, Agent
from bench.servers import CannotStart, HasEnded, Server

SOURCES = tuple(f"127.0.0.{last}" for last in range(1, 9))
"""Addresses that the load comes from, so that no limit by address is near."""

SETTLE_SECONDS = 0.05
"""What the server does after its last answer belongs to the act too."""

IDLE_SECONDS = 5.0


Step = Callable[[Agent, Agent], Awaitable[None]]
"""What an agent does, with another one if there are two."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is measured. `arriving` are the requests that it brings to the other agent."""

    name: str
    times: int
    """How often it is done by each agent in a round; by each pair if anything arrives."""
    run: Step
    prepare: Step | None = None
    """What is done before, unmeasured."""
    arriving: tuple[str, ...] = ()


ACTS = (
    Act("TLS connection", 1, lambda agent, _: agent.open_another()),
    Act(
        "first REGISTER", 2, lambda agent, _: agent.register(), lambda agent, _: agent.unregister()
    ),
    Act("re-REGISTER", 3, lambda agent, _: agent.refresh()),
    Act(
        "MESSAGE", 3, lambda agent, other: agent.message(other.account.aor), arriving=("MESSAGE",)
    ),
    Act(
        "call, INVITE to BYE", 3, lambda agent, other: agent.call(other.account.aor),
        arriving=("INVITE", "ACK", "BYE"),
    ),
)  # fmt: skip


@dataclass(slots=True)
class Bench:
    """One server under load, and what was measured of it."""

    server: Server
    at_once: int
    agents: list[Agent] = field(default_factory=list)
    micros: dict[str, list[float]] = field(default_factory=dict)
    """CPU of one act in each round, by the act's name."""
    failures: Counter[str] = field(default_factory=Counter)
    _broken: list[Agent] = field(default_factory=list)
    memory: float = 0.0
    """KiB for each idle registered connection."""
    idle: float = 0.0
    """Milliseconds of CPU in a second in which nothing is asked."""

    async def connect(self, accounts: Sequence[Account]) -> None:
        """Connect and register everybody; memory is what the server has grown by."""
        await self._open(accounts[: self.at_once])  # whatever is made once is made now
        await self.close()
        await asyncio.sleep(1.0)
        before = memory_kib(self.server.pid)
        await self._open(accounts)
        await asyncio.sleep(1.0)
        self.memory = (memory_kib(self.server.pid) - before) / len(accounts)

    async def close(self) -> None:
        """Close all connections, registered no more."""
        await self._everybody("closing", lambda agent, _: agent.unregister())
        for agent in self.agents:
            await agent.close()
        self.agents = []

    async def round(self, *, counted: bool) -> None:
        """Each act, as often as it is due; not `counted` is warming up."""
        for act in ACTS:
            passes = [await self._pass(act) for _ in range(act.times)]
            whole = [each for each in passes if each is not None]
            if counted and whole:
                self.micros.setdefault(act.name, []).append(sum(whole) / len(whole))

    async def _open(self, accounts: Sequence[Account]) -> None:
        tls = self.server.target.tls()
        self.agents = [
            Agent(account, self.server.target, SOURCES[index % len(SOURCES)])
            for index, account in enumerate(accounts)
        ]

        async def begin(agent: Agent, _: Agent) -> None:
            await agent.connect(tls)
            await agent.register()

        await self._everybody("connecting", begin)
        if self.failures:
            raise CannotStart(f"{self.server.name}: {dict(self.failures)}")

    async def _pass(self, act: Act) -> float | None:
        """One act of each agent or pair; µs of CPU for each. None if any failed: that is no measure."""
        if act.prepare is not None:
            await self._everybody(f"before {act.name}", act.prepare)
        for agent in self.agents:
            agent.received.clear()
        pairs = self._pairs if act.arriving else self._singles
        failed = self.failures.total()
        begun = cpu_seconds(self.server.pid)
        await self._each(act.name, act.run, pairs)
        await asyncio.sleep(SETTLE_SECONDS)
        spent = cpu_seconds(self.server.pid) - begun
        self._check_arrivals(act, len(pairs))
        if self.failures.total() > failed:
            await self._mend()
            return None
        return spent * 1e6 / len(pairs)

    @property
    def _singles(self) -> list[tuple[Agent, Agent]]:
        return [(agent, agent) for agent in self.agents]

    @property
    def _pairs(self) -> list[tuple[Agent, Agent]]:
        """Who writes and calls, and whom: nobody does both, so that messages don't meet."""
        return list(zip(self.agents[::2], self.agents[1::2], strict=True))

    async def _everybody(self, name: str, step: Step) -> None:
        await self._each(name, step, self._singles)

    async def _each(self, name: str, step: Step, pairs: Sequence[tuple[Agent, Agent]]) -> None:
        """Let each pair do something, some of them at once."""

        async def some(first: int) -> None:
            for agent, other in pairs[first :: self.at_once]:
                try:
                    await step(agent, other)
                except (ActFailed, OSError) as error:
                    self.failures[f"{name}: {error}"] += 1
                    self._broken += [agent, other]
                    self.server.require_running()

        await asyncio.gather(*map(some, range(self.at_once)))

    async def _mend(self) -> None:
        """Connect anew who has failed, as people's phones do."""
        broken, self._broken = dict.fromkeys(self._broken), []
        await self._each(
            "reconnecting", lambda agent, _: agent.reconnect(), [(a, a) for a in broken]
        )

    def _check_arrivals(self, act: Act, expected: int) -> None:
        received = sum((agent.received for agent in self.agents), Counter[str]())
        for method in act.arriving:
            if received[method] != expected:
                self.failures[f"{act.name}: {received[method]} {method} for {expected}"] += 1


def main(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A first look in some seconds: 64 connections, 1 round.")
    ] = False,
    connections: Annotated[
        int, typer.Option(min=64, max=900, help="Registered connections to each server, even.")
    ] = 400,
    rounds: Annotated[
        int, typer.Option(min=1, max=12, help="Rounds; the table has their median.")
    ] = 5,
    at_once: Annotated[
        int, typer.Option(min=1, max=64, help="Acts in flight: more of them share wake-ups.")
    ] = 8,
) -> None:
    """Put the same load on Vestibule and on Kamailio and compare what they need for it.

    Starts both on loopback in a temporary folder, with as many people as there are connections, and
    registers each person once. Then, in rounds and each time in the other order, every person opens
    a TLS connection, registers from nothing (challenged) and refreshes; then every second person
    writes to the next and calls the next. Answers and what arrives at the other end are checked. A
    pass over everybody in which anything failed is left out of the figures and each failure is
    listed; the exit status is 1 if Vestibule failed in anything.

    The table shows µs of CPU for each act, user and system time of the server's whole family of
    processes, as median (lowest-highest) of the rounds. The load generator's own CPU is not in it.
    Other work on the machine still makes both dearer, by caches and shared cores: compare ratios of
    one run, not figures of two. bench/README.md says how to read them and what is unlike.
    """
    if quick:
        connections, rounds = 64, 1
    connections -= connections % 2
    people = servers.accounts(connections)
    try:
        with tempfile.TemporaryDirectory() as name, ExitStack() as running:
            _tell("starting Kamailio and Vestibule")
            folder = Path(name)
            peer = running.enter_context(servers.kamailio(_made(folder / "kamailio")))
            ours = running.enter_context(servers.vestibule(folder / "vestibule", people))
            benches = [Bench(server, at_once) for server in (peer, ours)]
            uvloop.run(_measure(benches, people, rounds))
    except (CannotStart, HasEnded) as error:
        _tell(str(error))
        raise typer.Exit(2) from None
    _print_table(*benches)
    raise typer.Exit(_print_failures(benches))


async def _measure(benches: list[Bench], people: Sequence[Account], rounds: int) -> None:
    for bench in benches:
        _tell(f"{bench.server.name}: {len(people)} connections")
        await bench.connect(people)
        _tell(f"{bench.server.name}: {bench.agents[0].cipher}; warming up")
        await bench.round(counted=False)
    _tell("both idle")
    await _measure_idle(benches)
    for number in range(rounds):
        for bench in benches if number % 2 == 0 else benches[::-1]:
            _tell(f"round {number + 1} of {rounds}: {bench.server.name}")
            try:
                await bench.round(counted=True)
            except HasEnded as error:  # what was measured until then stands
                bench.failures[f"round {number + 1}: {error}"] += 1
                return


async def _measure_idle(benches: list[Bench]) -> None:
    begun = [cpu_seconds(bench.server.pid) for bench in benches]
    await asyncio.sleep(IDLE_SECONDS)
    for bench, before in zip(benches, begun, strict=True):
        bench.idle = (cpu_seconds(bench.server.pid) - before) * 1000 / IDLE_SECONDS


# --- what is printed: progress to stderr, the result to stdout ---


def _print_table(peer: Bench, ours: Bench) -> None:
    python = f"CPython {platform.python_version()}"
    names = [f"{one.server.name} {one.server.version}" for one in (peer, ours)]
    rows: list[tuple[str, ...]] = [("", names[0], f"{names[1]}, {python}", "ratio")]
    for act in ACTS:
        theirs, own = (one.micros.get(act.name, []) for one in (peer, ours))
        ratio = f"{median(own) / median(theirs):.2f}" if own and theirs else "-"
        rows.append((f"{act.name}, µs", _range(theirs), _range(own), ratio))
    for name, other, mine in (
        ("memory of an idle connection, KiB", peer.memory, ours.memory),
        ("idle server, ms/s", peer.idle, ours.idle),
    ):
        rows.append((name, f"{other:.1f}", f"{mine:.1f}", f"{mine / other:.2f}" if other else "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])))
    for name, *figures in rows:
        cells = [name.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(figures, widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


def _range(values: Sequence[float]) -> str:
    if not values:
        return "failed"
    return f"{median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


def _print_failures(benches: Sequence[Bench]) -> int:
    """List what failed; the exit status, which is about us."""
    for bench in benches:
        for what, times in bench.failures.most_common():
            print(f"FAILED {times} times: {bench.server.name}: {what}")
    return 1 if benches[-1].failures else 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
