"""A real NAT by nftables between one host and the network, which counts what passes it.

It is the worst kind: each flow gets a port of its own, drawn at random, and only what was spoken to may answer
("symmetric": address- and port-dependent mapping and filtering, RFC 4787). Two hosts behind such ones can't meet
without a relay.
"""

import json
import subprocess
from collections.abc import Sequence
from types import TracebackType

from tests.clients.namespaces import Host, Network

_RULES = """\
table inet nat {{
  counter from_server {{}}
  counter to_server {{}}
  counter from_others {{}}
  counter to_others {{}}
  counter strangers {{}}
  counter refused {{}}
  chain postrouting {{
    type nat hook postrouting priority srcnat
    oifname eth0 masquerade fully-random
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop
    {first}
    meta l4proto tcp accept
    iifname inside ip daddr {server} counter name to_server accept
    iifname inside counter name to_others accept
    ct state != established counter name strangers drop
    ip saddr {server} counter name from_server accept
    counter name from_others accept
  }}
  chain input {{
    type filter hook input priority filter
    iifname eth0 meta l4proto udp counter name strangers drop
  }}
}}
"""
_NO_UDP = "meta l4proto udp counter name refused drop"
_ONLY_PORTS = "iifname inside tcp dport != {{ {ports} }} counter name refused drop"


class Nat:
    """Where `host` is; its way out leads through a router on the network.

    `only_tcp`: no UDP gets out, nor TCP to other ports than these.
    """

    def __init__(self, network: Network, number: int, only_tcp: Sequence[int] = ()) -> None:
        self.router = network.add_host()
        self._server = network.server.address
        self._only = only_tcp
        self.host = Host(f"{self.router.namespace}n", f"192.168.{number}.2")
        self._gateway = f"192.168.{number}.1"

    def __enter__(self) -> "Nat":
        inside, router = self.host.namespace, self.router.namespace
        _run("ip", "netns", "add", inside)
        _run("ip", "-n", inside, "link", "add", "eth0", "type", "veth", "peer", "name", "inside",
             "netns", router)  # fmt: skip
        for namespace, device, address in (
            (inside, "eth0", self.host.address),
            (router, "inside", self._gateway),
        ):
            _run("ip", "-n", namespace, "link", "set", device, "addrgenmode", "none")
            _run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", device)
            _run("ip", "-n", namespace, "link", "set", device, "up")
        _run("ip", "-n", inside, "link", "set", "lo", "up")
        _run("ip", "-n", inside, "route", "add", "default", "via", self._gateway)
        _run("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        ports = ", ".join(str(port) for port in self._only)
        first = f"{_NO_UDP}\n{_ONLY_PORTS.format(ports=ports)}" if ports else ""
        rules = _RULES.format(server=self._server, first=first)
        _run("ip", "netns", "exec", router, "nft", "-f", "-", text=rules)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _run("ip", "netns", "del", self.host.namespace)

    def packets(self) -> dict[str, int]:
        """UDP datagrams by what became of them: `to_server` and `from_server` went through, as did `to_others` and
        `from_others`; `strangers` came unasked and `refused` were not let out.
        """
        listed = _run("ip", "netns", "exec", self.router.namespace, "nft", "-j", "list", "counters")
        rows = [row["counter"] for row in json.loads(listed)["nftables"] if "counter" in row]
        return {row["name"]: row["packets"] for row in rows}


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=60.0
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
