"""tshark on a test's own hosts: what an eavesdropper would see."""

import subprocess
from pathlib import Path
from types import TracebackType

from tests.clients.deadline import eventually
from tests.clients.namespaces import Host


class Capture:
    """Everything that passes an interface of a host while the block runs, kept in a file."""

    def __init__(self, host: Host, interface: str, file: Path) -> None:
        self._host, self._interface, self.file = host, interface, file
        self._log = file.with_suffix(".log")

    def __enter__(self) -> "Capture":
        self._process = self._host.popen(
            ["tshark", "-q", "-i", self._interface, "-w", str(self.file)], log=self._log
        )
        eventually(lambda: "Capturing on" in self._log.read_text(), "tshark to capture")
        eventually(self.file.exists, "tshark's file")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def count(self, display_filter: str, *decode_as: str) -> int:
        """How many packets match a display filter. `decode_as`: such as "udp.port==5000,rtp"."""
        return len(self.fields(display_filter, "frame.number", *decode_as))

    def fields(self, display_filter: str, field: str, *decode_as: str) -> list[str]:
        """One field of every packet that matches."""
        rules = [part for rule in decode_as for part in ("-d", rule)]
        command = [
            "tshark",
            "-r",
            str(self.file),
            "-Y",
            display_filter,
            "-T",
            "fields",
            "-e",
            field,
        ]
        result = subprocess.run(
            [*command, *rules], capture_output=True, text=True, check=False, timeout=120
        )
        # While it is being written the last packet may be cut off, which tshark takes for an error.
        assert result.returncode == 0 or "cut short" in result.stderr, result.stderr
        return result.stdout.split("\n")[:-1]

    def holds(self, octets: bytes) -> bool:
        """Whether these octets stand anywhere in what was captured."""
        return octets in self.file.read_bytes()
