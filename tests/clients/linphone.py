"""linphonec, driven without a person (see tests/interop/README.md for what is particular to it)."""

import re
from pathlib import Path
from types import TracebackType

from tests.clients.audio import RATE, Samples, read_wav
from tests.clients.deadline import eventually
from tests.clients.deployment import User
from tests.clients.namespaces import Host, stopping

_CONFIG = """\
[sip]
sip_port=0
sip_tcp_port=0
sip_tls_port=-1
use_ipv6=0
media_encryption={encryption}
media_encryption_mandatory=1
root_ca={authority}
default_proxy=0
[proxy_0]
reg_proxy=<{outbound};transport=tls>
reg_route=<{outbound};transport=tls;lr>
reg_identity={address}
reg_sendregister=1
[net]
nat_policy_ref=way
[nat_policy_0]
ref=way
stun_server={stun}
protocols={protocols}
[auth_info_0]
username={name}
passwd={secret}
realm={domain}
domain={domain}
algorithm=SHA-256
"""


class Linphone:
    """A phone with a device secret; plays `in.wav` of its folder into calls and records them there.

    `encryption`: "srtp" (SDES) or "dtls". `stun`: host and port of a server to ask; with one it speaks ICE.
    """

    def __init__(
        self,
        host: Host,
        folder: Path,
        *,
        user: User,
        outbound: str,
        authority: Path,
        encryption: str = "srtp",
        stun: str = "",
    ) -> None:
        self.host, self.folder = host, folder
        self.log = folder / "linphone.log"
        self.heard = folder / "heard.wav"
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        self._config = folder / "linphonerc"
        self._config.write_text(
            _CONFIG.format(
                authority=authority, outbound=outbound, address=user.sip, name=user.name,
                secret=user.device_secret, domain=user.sip.rpartition("@")[2],
                encryption=encryption, stun=stun, protocols="stun,ice" if stun else "",
            )
        )  # fmt: skip

    def __enter__(self) -> "Linphone":
        self._process = self.host.popen(
            ["linphonec", "-c", str(self._config), "-a", "-d", "6", "-l", str(self.log)],
            log=self.folder / "console.log", env={"HOME": str(self.folder)}, talks=True,
        )  # fmt: skip
        self._running = stopping(self._process)
        self._running.__enter__()
        self.command("soundcard use files")
        self.command(f"play {self.folder / 'in.wav'}")
        self.command(f"record {self.heard}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._running.__exit__(kind, error, traceback)

    def command(self, text: str) -> None:
        """Type a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{text}\n".encode())
        self._process.stdin.flush()

    def recorded(self, seconds: float) -> Samples:
        """What it has heard, once it was so long; that ends the call, for the file has no head before."""
        enough = int(seconds * RATE * 2)
        eventually(
            lambda: self.heard.exists() and self.heard.stat().st_size > enough,
            f"{seconds} s of recording in {self.folder}", 60.0,
        )  # fmt: skip
        self.command("terminate")
        eventually(lambda: b"data" in self.heard.read_bytes()[:64], "the recording's head")
        return read_wav(self.heard)

    def wait_registered(self) -> None:
        """Until the server has accepted the registration."""
        self.wait_for("LinphoneRegistrationOk")

    def wait_for(self, pattern: str, seconds: float = 20.0) -> None:
        """Until its log says that."""
        eventually(
            lambda: self.log.exists() and re.search(pattern, self.log.read_text(errors="replace")),
            f"{pattern} of linphone ({self.log})",
            seconds,
        )
