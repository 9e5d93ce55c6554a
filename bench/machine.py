"""Where and of what a figure was measured."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What a result needs to be understood later."""

    commit: str
    processor: str
    cores: int
    kernel: str
    load_average: float
    """Of the minute before: above the number of cores, others were at work too."""


def this_machine() -> Machine:
    """The machine, and the commit that this tree is of (with a plus if it was changed since)."""
    commit = _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    cores = os.cpu_count() or 1
    return Machine(commit, processor, cores, platform.release(), round(os.getloadavg()[0], 1))


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    try:
        said = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
