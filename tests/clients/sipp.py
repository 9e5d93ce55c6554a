"""sipp: sends exactly the message that a test wrote, over TLS, and checks the answer's status."""

import subprocess
from pathlib import Path

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host

_SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="one request, one answer">
  <send><![CDATA[

{message}
]]></send>
{answers}
</scenario>
"""
_PROVISIONAL = '  <recv response="100" optional="true"></recv>\n'


class Sipp:
    """One sipp on a host. `certificate`: a PEM with key and certificate; without, none is shown."""

    def __init__(self, host: Host, folder: Path, deployment: Deployment) -> None:
        self._host, self._folder, self._deployment = host, folder, deployment

    def expect(self, status: int, message: str, *, certificate: Path) -> None:
        """Send a message and fail unless that status comes back.

        sipp fills in [call_id], [branch], [local_ip], [len] and the like.
        """
        scenario = self._folder / f"expect-{status}.xml"
        answers = f'{_PROVISIONAL}  <recv response="{status}"></recv>'
        text = "\n".join(line.strip() for line in message.strip().splitlines())
        scenario.write_text(_SCENARIO.format(message=text + "\n", answers=answers))
        facts = self._deployment.facts
        result: subprocess.CompletedProcess[str] = self._host.run(
            [
                "sipp", "-sf", str(scenario), "-t", "l1", "-m", "1", "-nostdin",
                "-tls_cert", str(certificate), "-tls_key", str(certificate),
                "-timeout", "15", "-timeout_error", "-trace_err",
                "-error_file", str(self._folder / "sipp.err"),
                f"{facts['host']}:{facts['sip_tls_port']}",
            ]
        )  # fmt: skip
        error = self._folder / "sipp.err"
        told = error.read_text() if error.exists() else ""
        assert result.returncode == 0, f"no {status}: {told[-2000:]}{result.stderr[-500:]}"
