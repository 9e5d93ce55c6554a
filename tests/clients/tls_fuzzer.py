"""tlsfuzzer's scripts, unpacked and run against a port of ours; what they say is read from their output."""

import os
import re
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host

_USUAL = Path(__file__).parents[3] / "shared" / "suites"
ARCHIVE = Path(os.environ.get("VESTIBULE_SUITES", _USUAL)) / "tlsfuzzer.tar.xz"
_ADAPTER = Path(__file__).with_name("tls_fuzzer_adapter.py")
_VERDICT = re.compile(r"^(TOTAL|PASS|FAIL): (\d+)$", re.MULTILINE)
_CONVERSATION = re.compile(r"(?:\A|\n\n)(?=[^\n]+\.\.\.\n)")
_ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Timeout)\b.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A conversation that went otherwise than the script expects."""

    conversation: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script found. `passed` counts conversations."""

    passed: int
    failures: tuple[Failure, ...]


class TlsFuzzer:
    """The scripts, unpacked into a folder."""

    def __init__(self, folder: Path) -> None:
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
        self._root = folder / "tlsfuzzer"

    def run(self, script: str, host: Host, deployment: Deployment, port: str) -> Outcome:
        """Run `scripts/test-tls13-SCRIPT.py` from a host against one of the deployment's ports."""
        facts = deployment.facts
        request = r"\r\n\r\n"  # SIP's keep-alive, answered at once (RFC 5626 section 3.5.1)
        asked = "asked"
        if port == "https_port":  # an answer without content is one record
            asked = "unasked"
            request = rf"HEAD /healthz HTTP/1.1\r\nHost: {facts['host']}:{facts[port]}\r\n\r\n"
        done = host.run(
            ["env", f"PYTHONPATH={self._root}", sys.executable, "-W", "ignore", str(_ADAPTER),
             str(self._root / "scripts" / f"test-tls13-{script}.py"), request, asked,
             "-h", facts["host"], "-p", str(facts[port])],
            seconds=600.0,
        )  # fmt: skip
        return _read(done.stdout + done.stderr)


def _read(output: str) -> Outcome:
    verdict = dict(_VERDICT.findall(output))
    assert verdict.keys() == {"TOTAL", "PASS", "FAIL"}, output[-2000:]
    failures = []
    for part in _CONVERSATION.split(output):
        name, _, rest = part.partition("...\n")
        errors = _ERROR.findall(rest)
        if errors:
            failures.append(Failure(name.strip(), errors[-1]))
    assert len(failures) == int(verdict["FAIL"]), "the output was misread:\n" + output[-2000:]
    return Outcome(int(verdict["PASS"]), tuple(failures))
