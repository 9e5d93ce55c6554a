"""Addresses and ports of this machine that can be listened on."""

import ipaddress
import socket

from vestibule.cli.output import fail

_TRIES = 200
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)  # RFC 5737: routed like any other, nobody's


def local_address(host: str) -> str:
    """The IP address behind a name or address, which must be this machine's."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        family = found[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        fail(f"--host {host}: can't listen there ({error.strerror or error})")
    return address


def media_address(bind: str) -> str:
    """Where media goes if the rest listens on `bind`.

    Browsers never use loopback for media, so then it is this machine's own address. Without any,
    media stays on loopback too, where SIP phones can use it.
    """
    if not ipaddress.ip_address(bind).is_loopback:
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)  # sends nothing, only asks for the route
        except OSError:
            return bind
        return str(probe.getsockname()[0])


def free_port(
    address: str, wanted: int | None, preferred: int, *, udp: bool, not_these: frozenset[int]
) -> int:
    """The wanted port; or else the preferred one, or the next free one after it."""
    candidates = [wanted] if wanted else range(preferred, min(preferred + _TRIES, 65536))
    for port in candidates:
        if port not in not_these and _is_free(address, port, udp=udp):
            return port
    return fail(f"port {wanted or preferred} of {address} is taken: name another")


def _is_free(address: str, port: int, *, udp: bool) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:  # a port of connections that linger may be listened on
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
