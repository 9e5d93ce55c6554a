"""sipp: sends exactly the message that a test wrote and checks the answer's status.

Debian's sipp is built without TLS, so a forwarder carries it there.
"""

import subprocess
from pathlib import Path

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host
from tests.clients.tls_forwarder import TlsForwarder

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
    """One sipp on a host. `certificate`: a device's PEM with key and certificate, or None."""

    def __init__(self, host: Host, folder: Path, deployment: Deployment) -> None:
        self._host, self._folder, self._deployment = host, folder, deployment

    def expect(self, status: int, message: str, *, certificate: Path | None) -> None:
        """Send a message and fail unless that status comes back.

        sipp fills in [call_id], [branch], [local_ip], [len] and the like.
        """
        scenario = self._folder / f"expect-{status}.xml"
        answers = f'{_PROVISIONAL}  <recv response="{status}"></recv>'
        text = "\n".join(line.strip() for line in message.strip().splitlines())
        scenario.write_text(_SCENARIO.format(message=text + "\n", answers=answers))
        with TlsForwarder(self._host, self._deployment, certificate) as forwarder:
            result: subprocess.CompletedProcess[str] = self._host.run(
                [
                    "sipp", "-sf", str(scenario), "-t", "t1", "-m", "1", "-nostdin",
                    "-timeout", "15", "-timeout_error", "-trace_err",
                    "-error_file", str(self._folder / "sipp.err"),
                    f"127.0.0.1:{forwarder.port}",
                ]
            )  # fmt: skip
        error = self._folder / "sipp.err"
        told = error.read_text() if error.exists() else ""
        assert result.returncode == 0, f"no {status}: {told[-2000:]}{result.stderr[-500:]}"
