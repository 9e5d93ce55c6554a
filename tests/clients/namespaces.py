"""Networks of their own for a test: namespaces joined by a bridge, removed again with all they hold.

Every host is a network namespace; the first one holds the bridge. Nothing of the machine's own network is
touched, and no test can meet another's traffic.
"""

import ctypes
import itertools
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.clients.deadline import eventually

_CLONE_NEWNET = 0x40000000
_numbers = itertools.count(1)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _forwards(namespace: str, port: str) -> bool:
    """Whether the bridge passes on what comes in at a port."""
    shown = subprocess.run(
        ["ip", "-n", namespace, "-d", "-o", "link", "show", port],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return "state forwarding" in shown.stdout


@dataclass(frozen=True, slots=True)
class Host:
    """One namespace with one address."""

    namespace: str
    address: str

    def popen(
        self,
        arguments: list[str],
        *,
        log: Path,
        env: dict[str, str] | None = None,
        talks: bool = False,
    ) -> "subprocess.Popen[bytes]":
        """Start a program on this host, its output into a file. `talks`: its input is a pipe."""
        command = ["ip", "netns", "exec", self.namespace, *arguments]
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )

    def run(
        self, arguments: list[str], *, seconds: float = 60.0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program on this host to its end."""
        command = ["ip", "netns", "exec", self.namespace, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def add_address(self, address: str) -> None:
        """One more address of this host, such as "fd00::1/64"."""
        device = "bridge0" if self.namespace.endswith("h1") else "eth0"
        _ip("-n", self.namespace, "addr", "add", address, "dev", device, "nodad")

    def lose(self, percent: int) -> None:
        """From now on that share of the UDP datagrams that come to this host is lost."""
        chance = "" if percent == 100 else f"numgen random mod 100 < {percent}"
        rule = f"meta l4proto udp {chance} drop"
        chain = f"chain input {{\ntype filter hook input priority 0\n{rule}\n}}"
        command = ["ip", "netns", "exec", self.namespace, "nft", "-f", "-"]
        rules = f"table inet loss {{\n{chain}\n}}\n"
        subprocess.run(command, input=rules, text=True, check=True, timeout=60.0)

    def redirect(self, address: str, port: int, to: int) -> None:
        """From now on TCP of this host to there arrives at a port of its own loopback."""
        self.run(["sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"])
        rule = f"ip daddr {address} tcp dport {port} dnat to 127.0.0.1:{to}"
        chain = f"chain output {{\ntype nat hook output priority -100\n{rule}\n}}"
        command = ["ip", "netns", "exec", self.namespace, "nft", "-f", "-"]
        rules = f"table ip redirected {{\n{chain}\n}}\n"
        subprocess.run(command, input=rules, text=True, check=True, timeout=60.0)

    def connect(self, address: str, port: int, seconds: float = 60.0) -> socket.socket:
        """A TCP connection made from this host, usable from the test."""
        return self.made_here(lambda: socket.create_connection((address, port), seconds))

    def listen(self, address: str) -> socket.socket:
        """A listening TCP socket of this host, on a free port."""
        return self.made_here(lambda: socket.create_server((address, 0)))

    def udp(self) -> socket.socket:
        """A UDP socket of this host."""
        return self.made_here(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def enter(self) -> None:
        """Move the calling thread to this host, for good; what it opens from now on is here."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{self.namespace}").open() as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def made_here(self, make: Callable[[], socket.socket]) -> socket.socket:
        """A socket of this host: they belong to the namespace of the thread that makes them."""
        made: list[socket.socket | Exception] = []

        def enter_and_make() -> None:
            try:
                self.enter()
                made.append(make())
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=enter_and_make)
        thread.start()
        thread.join()
        if isinstance(made[0], Exception):
            raise made[0]
        return made[0]


class Network:
    """Hosts that reach each other over one bridge; the first is the server's."""

    def __init__(self) -> None:
        self._tag = f"v{os.getpid() % 100000}x{next(_numbers)}"
        self._subnet = f"10.{90 + next(_numbers) % 100}.{os.getpid() % 250 + 1}"
        self.hosts: list[Host] = []
        self._between: list[Host] = []

    def __enter__(self) -> "Network":
        self.server = self.add_host()
        return self

    def add_route_to_the_world(self) -> None:
        """A default route for the server's host, as machines have; nothing answers there."""
        nowhere = f"{self._subnet}.254"
        _ip("-n", self.server.namespace, "route", "add", "default", "via", nowhere)

    def add_host(self) -> Host:
        """One more host, up and connected."""
        number = len(self.hosts) + 1
        host = Host(f"{self._tag}h{number}", f"{self._subnet}.{number}")
        _ip("netns", "add", host.namespace)
        self.hosts.append(host)
        _ip("-n", host.namespace, "link", "set", "lo", "up")
        first = self.hosts[0].namespace
        if number == 1:
            _ip("-n", first, "link", "add", "bridge0", "type", "bridge")
            _ip("-n", first, "addr", "add", f"{host.address}/24", "dev", "bridge0")
            # A capture sees each datagram by itself, as on a wire, not what the server sent joined (GSO).
            _ip("-n", first, "link", "set", "bridge0", "gso_max_segs", "1")
            _ip("-n", first, "link", "set", "bridge0", "up")
            return host
        if number == 2:
            # With no address of its own the bridge takes its lowest port's: each host that is added may
            # change it, and what the others have learnt by ARP is wrong for half a minute. A bridge
            # without ports keeps the one it was made with, or Chromium on it sends no media.
            _ip("-n", first, "link", "set", "bridge0", "address", "02:00:00:00:00:01")
        port = f"port{number}"
        _ip("-n", host.namespace, "link", "add", "eth0", "type", "veth", "peer", "name", port)
        _ip("-n", host.namespace, "link", "set", port, "netns", first)
        _ip("-n", first, "link", "set", port, "master", "bridge0")
        _ip("-n", first, "link", "set", port, "up")
        _ip("-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
        # No address appears later by itself: to Chromium that is another network, and pages that load fail.
        _ip("-n", host.namespace, "link", "set", "eth0", "addrgenmode", "none")
        _ip("-n", host.namespace, "link", "set", "eth0", "up")
        _ip("-n", host.namespace, "route", "add", "default", "via", self.hosts[0].address)
        # On a busy machine the kernel takes seconds to notice that a link came up.
        eventually(lambda: _forwards(first, port), f"{port} to carry packets", 30.0)
        for each in self.hosts:  # what they learnt of each other may be of before
            # Where traffic goes on it gives up after ten rounds: what is known again by then is of now.
            flush = ["ip", "-n", each.namespace, "neigh", "flush", "all"]
            subprocess.run(flush, check=False, capture_output=True)
        return host

    def cut(self, host: Host) -> Host:
        """Take a host off the bridge and put a namespace between: its `inner` end is the host's cable, its
        `outer` end the bridge's. Nothing passes until somebody carries it."""
        first, port = self.hosts[0].namespace, f"port{self.hosts.index(host) + 1}"
        between = Host(f"{host.namespace}b", "")
        _ip("netns", "add", between.namespace)
        self._between.append(between)
        _ip("-n", first, "link", "set", port, "netns", between.namespace)
        _ip("-n", between.namespace, "link", "set", port, "name", "inner")
        _ip("-n", first, "link", "add", port, "type", "veth", "peer", "name", "outer",
            "netns", between.namespace)  # fmt: skip
        _ip("-n", first, "link", "set", port, "master", "bridge0")
        _ip("-n", first, "link", "set", port, "up")
        for end in ("inner", "outer"):
            _ip("-n", between.namespace, "link", "set", end, "addrgenmode", "none")
            _ip("-n", between.namespace, "link", "set", end, "up")
        eventually(lambda: _forwards(first, port), f"{port} to carry packets", 30.0)
        return between

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for host in reversed(self.hosts + self._between):
            subprocess.run(["ip", "netns", "del", host.namespace], check=False, capture_output=True)


@contextmanager
def stopping(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """End a program when the block ends: politely, then by force."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
