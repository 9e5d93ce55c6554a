"""What a flood of bad connections costs somebody who is signed in: how long their messages take, with and without."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench.cpu import cpu_seconds
from bench.load import ActFailed, Agent, Target
from bench.servers import CannotStart, Server, accounts, vestibule

BETWEEN = 0.02
"""Seconds from an answer to the next message."""

PROCESSES = 4
"""Attackers: one alone spends more on its handshakes than we do."""

_HOST = "127.0.0.1"


@contextmanager
def _flood(target: Target, rate: int, addresses: int) -> Iterator[None]:
    """Processes that flood until the end of the block."""
    asked = [str(target.port), str(target.authority), str(rate // PROCESSES), str(addresses)]
    command = [sys.executable, "-m", "bench.bad_connections", *asked]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for process in processes:
        if process.stdout is None or process.stdout.readline() != "flooding\n":
            raise CannotStart("an attacker did not start")
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


# --- the person who is signed in ---


@dataclass(frozen=True, slots=True)
class Phase:
    """What was measured in one stretch of time."""

    name: str
    milliseconds: list[float]
    failed: int
    bad: float
    """Bad connections a second that the server has seen."""
    cpu: float
    """Cores that the server kept busy."""


async def _measure(
    name: str, server: Server, pair: tuple[Agent, Agent], seconds: float, seen: Callable[[], int]
) -> Phase:
    began, cpu, before = time.monotonic(), cpu_seconds(server.pid), seen()
    took, failed = [], 0
    while time.monotonic() - began < seconds:
        at = time.perf_counter()
        try:
            await pair[0].message(pair[1].account.aor)
        except ActFailed:
            failed += 1
        took.append((time.perf_counter() - at) * 1000)
        await asyncio.sleep(BETWEEN)
    lasted = time.monotonic() - began
    busy = (cpu_seconds(server.pid) - cpu) / lasted
    return Phase(name, took, failed, (seen() - before) / lasted, busy)


async def _phases(server: Server, rate: int, seconds: float) -> list[Phase]:
    pair = (
        Agent(accounts(2)[0], server.target, _HOST),
        Agent(accounts(2)[1], server.target, _HOST),
    )
    tls = server.target.tls()
    for agent in pair:
        await agent.connect(tls)
        await agent.register()
    phases = [await _measure("nobody else", server, pair, seconds, _connections)]
    for name, addresses in (("from all of 127.0.0.0/8", 0), ("from one address", 1)):
        with _flood(server.target, rate, addresses):
            await asyncio.sleep(2.0)
            phases.append(await _measure(name, server, pair, seconds, _connections))
        await asyncio.sleep(1.0)
    phases.append(await _measure("afterwards", server, pair, seconds, _connections))
    for agent in pair:
        await agent.close()
    return phases


def _connections() -> int:
    """TCP connections that this machine has accepted, from the kernel's own count."""
    names, values = (
        line.split()
        for line in Path("/proc/net/snmp").read_text().splitlines()
        if line.startswith("Tcp:")
    )
    return int(values[names.index("PassiveOpens")])


def _print(phases: list[Phase]) -> int:
    print(
        "| flood | bad connections/s | median, ms | p99, ms | longest, ms | failed | server's CPU, cores |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for phase in phases:
        took = sorted(phase.milliseconds)
        p99 = took[int(len(took) * 0.99)]
        print(
            f"| {phase.name} | {phase.bad:.0f} | {statistics.median(took):.1f} | {p99:.1f} "
            f"| {took[-1]:.1f} | {phase.failed} | {phase.cpu:.2f} |"
        )
    return 1 if any(phase.failed for phase in phases) else 0


def main(
    rate: Annotated[int, typer.Option(help="Bad connections a second.")] = 1000,
    seconds: Annotated[float, typer.Option(help="Of each phase.")] = 15.0,
) -> None:
    """Send messages between two people while a flood of bad connections comes in, and tell how long they take."""
    with TemporaryDirectory() as folder, vestibule(Path(folder) / "demo", accounts(2)) as server:
        phases = asyncio.run(_phases(server, rate, seconds))
    raise typer.Exit(_print(phases))


if __name__ == "__main__":
    typer.run(main)
