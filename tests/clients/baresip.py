"""baresip, driven without a person (see tests/interop/README.md for what is particular to it)."""

import itertools
import json
import re
import socket
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import Any

from tests.clients.deadline import eventually
from tests.clients.namespaces import Host, stopping

_CONTROL_PORT = 4444
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MODULES = [
    "ctrl_tcp",
    "aufile",
    "aubridge",
    "sndfile",
    "opus",
    "g722",
    "g711",
    "srtp",
    "dtls_srtp",
    "ice",
    "stun",
    "turn",
    "uuid",
    "account",
]
_CONFIG = """\
poll_method epoll
sip_cafile {authority}
sip_verify_server yes
sip_certificate {certificate}
audio_source aufile,{folder}/in.wav
audio_player aubridge,null
audio_alert aubridge,null
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 2
snd_path {folder}
module_path /usr/lib/baresip/modules
{modules}
module_app menu.so
module_app contact.so
ctrl_tcp_listen 127.0.0.1:{control}
{video}
"""
_VIDEO_MODULES = {"VP8": "vp8", "H264": "avcodec"}
_VIDEO = """\
module {codec}.so
module fakevideo.so
module snapshot.so
video_source fakevideo,null
video_display fakevideo,null
video_size 320x240
video_bitrate 400000
video_fps 10
"""
"""Its camera shows vertical bars in the colours of a test picture; what it is shown goes nowhere but into snapshots."""


class Baresip:
    """One baresip on one host. `authority` and `certificate` are PEM files."""

    def __init__(
        self,
        host: Host,
        folder: Path,
        *,
        address: str,
        outbound: str,
        authority: Path,
        certificate: Path,
        codecs: str = "opus/48000/2",
        media_encryption: str = "srtp-mand",
        nat_traversal: str = "",
        video_codecs: str = "",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.host, self.folder = host, folder
        self.video_codecs = video_codecs
        self.log = folder / "baresip.log"
        modules = "\n".join(f"module {name}.so" for name in _MODULES)
        (folder / "config").write_text(
            _CONFIG.format(
                authority=authority,
                certificate=certificate,
                folder=folder,
                modules=modules,
                control=_CONTROL_PORT,
                video=_VIDEO.format(codec=_VIDEO_MODULES[video_codecs]) if video_codecs else "",
            )
        )
        encryption = f"mediaenc={media_encryption};" if media_encryption else ""
        traversal = f"medianat={nat_traversal};" if nat_traversal else ""
        (folder / "accounts").write_text(
            f'<{address};transport=tls>;auth_pass=none;outbound="{outbound};transport=tls";'
            f"{encryption}{traversal}answermode=auto;regint=60;audio_codecs={codecs}"
            f"{f';video_codecs={video_codecs}' if video_codecs else ''}\n"
        )
        (folder / "contacts").write_text("")
        self._events: list[dict[str, Any]] = []
        self._buffer = b""
        self._snapshots = itertools.count()

    def __enter__(self) -> "Baresip":
        process: Popen[bytes] = self.host.popen(
            ["baresip", "-4", "-f", str(self.folder)], log=self.log
        )
        self._running = stopping(process)
        self._running.__enter__()
        self._control = eventually(self._connect, f"baresip's control port ({self.log})")
        self._control.settimeout(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._control.close()
        self._running.__exit__(kind, error, traceback)

    def wait_registered(self, seconds: float = 20.0) -> None:
        """Until the server has accepted the registration."""
        self.wait_event("REGISTER_OK", seconds)

    def dial(self, uri: str) -> None:
        """Call somebody; see `wait_event("CALL_ESTABLISHED")`."""
        self.command("dial", uri)

    def command(self, name: str, parameters: str = "") -> None:
        """Say one command; its answer comes among the events and is not waited for."""
        text = json.dumps({"command": name, "params": parameters, "token": "t"}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))

    def wait_event(self, kind: str, seconds: float = 20.0) -> dict[str, Any]:
        """The first event of that type that was not taken yet."""
        return eventually(lambda: self._take(kind), f"{kind} of baresip ({self.log})", seconds)

    def wait_answer(self) -> None:
        """Until the other end has answered an offer of ours that wasn't waited for yet."""
        eventually(
            lambda: (self._take("CALL_REMOTE_SDP") or {}).get("param") == "answer",
            f"an answer to baresip's offer ({self.log})", 20.0,
        )  # fmt: skip

    def saw(self, kind: str) -> bool:
        """Whether such an event has come and was not taken."""
        self._read()
        return any(event.get("type") == kind for event in self._events)

    def heard(self) -> Path | None:
        """The recording of what it heard in its newest call."""
        return max(self.folder.glob("dump-*-dec.wav"), default=None)

    def snapshot(self) -> Path:
        """What it shows now, as a PNG file."""
        path = self.folder / f"shown-{next(self._snapshots)}.png"
        self.command("snapshot_recv", str(path))
        # It says so when the file is written.
        eventually(
            lambda: f"wrote {path}" in self.log.read_text(), f"a snapshot ({self.log})", 20.0
        )
        return path

    def _take(self, kind: str) -> dict[str, Any] | None:
        self._read()
        for event in self._events:
            if event.get("type") == kind:
                self._events.remove(event)
                return event
        return None

    def _read(self) -> None:
        try:
            while data := self._control.recv(65536):
                self._buffer += data
        except TimeoutError:
            pass
        while match := re.match(rb"(\d+):", self._buffer):
            start, length = match.end(), int(match.group(1))
            if len(self._buffer) < start + length + 1:
                return
            text = _ANSI.sub("", self._buffer[start : start + length].decode(errors="replace"))
            self._buffer = self._buffer[start + length + 1 :]
            self._events.append(json.loads(text, strict=False))

    def _connect(self) -> socket.socket | None:
        try:
            return self.host.connect("127.0.0.1", _CONTROL_PORT, 1.0)
        except OSError:
            return None
