"""Janus in a process of its own, and as much of its HTTP interface as the room benchmark needs."""

import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import HOST, CannotStart, own_address, process

_LIBRARIES = (
    "plugins/libjanus_videoroom.so",
    "plugins/libjanus_audiobridge.so",
    "transports/libjanus_http.so",
)
_START_SECONDS = 20.0

_CONFIGURATION = """
general: {{ configs_folder = "{folder}" plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports" log_to_stdout = false log_to_file = "{folder}/log"
  debug_level = 2 session_timeout = 0 protected_folders = [] }}
media: {{ rtp_port_range = "20000-29999" }}
nat: {{ ice_enforce_list = "{address}" }}
"""
_HTTP = """
general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" }}
"""
_AUDIOBRIDGE = """
general: { rtp_port_range = "30000-39999" local_ip = "127.0.0.1" }
"""


class Refused(CannotStart):
    """Janus answered with an error."""


@dataclass(frozen=True, slots=True)
class Janus:
    """One that runs."""

    pid: int
    url: str

    def attach(self, plugin: str) -> "Handle":
        """A handle of a session of its own."""
        session = _post(self.url, {"janus": "create"})["data"]["id"]
        base = f"{self.url}/{session}"
        attach = {"janus": "attach", "plugin": f"janus.plugin.{plugin}"}
        return Handle(base, _post(base, attach)["data"]["id"])


@dataclass(frozen=True, slots=True)
class Handle:
    """One attachment to a plugin."""

    session: str
    id: int

    def ask(self, body: dict[str, Any], sdp: str | None = None, kind: str = "offer") -> Any:
        """What the plugin says to a message, and the SDP that came with it, if any."""
        message: dict[str, Any] = {"janus": "message", "body": body}
        if sdp is not None:
            message["jsep"] = {"type": kind, "sdp": sdp, "trickle": False}
        answer = _post(f"{self.session}/{self.id}", message)
        while answer["janus"] in {"ack", "keepalive"} or "plugindata" not in answer:
            answer = _get(self.session)
        said = answer["plugindata"]["data"]
        if "error" in said:
            raise Refused(f"Janus: {said['error']}")
        return said, answer.get("jsep", {}).get("sdp")


@contextmanager
def janus() -> Iterator[Janus]:
    """VideoRoom and AudioBridge, reached over HTTP, media on loopback, otherwise by their defaults."""
    command = shutil.which("janus")
    if command is None:
        raise CannotStart("Janus is missing: `scripts/system-packages bench` installs it")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), _free_tcp_port()
        _configure(folder, port)
        quiet = subprocess.DEVNULL
        with process([command, "-F", name], stdout=quiet, stderr=quiet) as running:
            server = Janus(running.pid, f"http://{HOST}:{port}/janus")
            _wait_for(server)
            yield server


def _configure(folder: Path, port: int) -> None:
    written = {
        "janus": _CONFIGURATION.format(folder=folder, address=own_address()),
        "janus.transport.http": _HTTP.format(port=port),
        "janus.plugin.audiobridge": _AUDIOBRIDGE,
    }
    for name, text in written.items():
        (folder / f"{name}.jcfg").write_text(text)
    installed = next(Path("/usr/lib").glob("*/janus"))
    for library in _LIBRARIES:
        (folder / library).parent.mkdir(exist_ok=True)
        (folder / library).symlink_to(installed / library)


def _wait_for(server: Janus) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            _get(f"{server.url}/info")
        except OSError:
            if time.monotonic() > deadline:
                raise CannotStart("Janus does not answer") from None
            time.sleep(0.05)
        else:
            return


def _get(url: str | urllib.request.Request) -> Any:
    with urllib.request.urlopen(url, timeout=35) as response:
        return json.load(response)


_transactions = itertools.count()


def _post(url: str, message: dict[str, Any]) -> Any:
    message = {**message, "transaction": str(next(_transactions))}
    request = urllib.request.Request(
        url, json.dumps(message).encode(), {"Content-Type": "application/json"}
    )
    answer = _get(request)
    if answer["janus"] == "error":
        raise Refused(f"Janus: {answer['error']['reason']}")
    return answer


def _free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
