"""As much of a TURN client (RFC 8656) as it takes to set up what is measured or attacked."""

import hashlib
import hmac
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

MAGIC_COOKIE = 0x2112A442
CHANNEL = 0x4000

_ALLOCATE, _CREATE_PERMISSION, _CHANNEL_BIND = 0x003, 0x008, 0x009
_SUCCESS, _ERROR = 0x100, 0x110
_USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE = 0x0006, 0x0008, 0x0009
_CHANNEL_NUMBER, _XOR_PEER_ADDRESS, _REALM, _NONCE = 0x000C, 0x0012, 0x0014, 0x0015
_XOR_RELAYED_ADDRESS, _REQUESTED_TRANSPORT = 0x0016, 0x0019
_ADDRESS_ERROR_CODE = 0x8001
_UDP = bytes([17, 0, 0, 0])
REQUESTED_ADDRESS_FAMILY, ADDITIONAL_ADDRESS_FAMILY, EVEN_PORT = 0x0017, 0x8000, 0x0018
IPV4, IPV6 = bytes([1, 0, 0, 0]), bytes([2, 0, 0, 0])
_WAIT_SECONDS = 2.0

Address = tuple[str, int]
Attributes = dict[int, bytes]
"""Of several of one kind, the first."""


class Refused(Exception):
    """The server's answer to a request was an error."""

    def __init__(self, code: int, phrase: str) -> None:
        super().__init__(f"{code} {phrase}")
        self.code = code


def udp_from(source: str, server: Address) -> socket.socket:
    """A UDP socket at a local address, connected to the server."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((source, 0))
    udp.connect(server)
    return udp


@dataclass(slots=True)
class TurnClient:
    """One allocation over one connected socket, UDP or TCP."""

    line: socket.socket
    username: str
    password: str
    relayed: Address = ("", 0)
    also_relayed: Address = ("", 0)
    """The IPv6 one beside it, if there is one."""
    address_error: int = 0
    """Why there is none, such as 440."""
    _realm: bytes = b""
    _nonce: bytes = b""

    def __post_init__(self) -> None:
        self.line.settimeout(_WAIT_SECONDS)

    def allocate(self, wishes: Attributes | None = None) -> Address:
        """Get a relayed address. `wishes`: more attributes. Raises Refused, TimeoutError."""
        wanted = {_REQUESTED_TRANSPORT: _UDP} | (wishes or {})
        for _ in range(2):
            # Without proof it has to be refused; and where the port was another client's, the nonce is of that one.
            with suppress(Refused):
                answer = self._ask(_ALLOCATE, wanted)
                break
        else:
            answer = self._ask(_ALLOCATE, wanted)
        mask, attributes = answer
        relayed = [value for kind, value in attributes if kind == _XOR_RELAYED_ADDRESS]
        self.relayed, *more = (_address(value, mask) for value in relayed)
        self.also_relayed = more[0] if more else ("", 0)
        error = dict(attributes).get(_ADDRESS_ERROR_CODE)
        self.address_error = error[2] * 100 + error[3] if error else 0
        return self.relayed

    def permit(self, peer: Address) -> None:
        """Let `peer` in, whatever its port. Raises Refused, TimeoutError."""
        transaction = os.urandom(12)
        self._ask(_CREATE_PERMISSION, {_XOR_PEER_ADDRESS: _xored(peer, transaction)}, transaction)

    def bind_channel(self, peer: Address, channel: int = CHANNEL) -> None:
        """Let `peer` in and reach it by that channel. Raises Refused, TimeoutError."""
        number, transaction = struct.pack("!HH", channel, 0), os.urandom(12)
        wanted = {_CHANNEL_NUMBER: number, _XOR_PEER_ADDRESS: _xored(peer, transaction)}
        self._ask(_CHANNEL_BIND, wanted, transaction)

    def send(self, data: bytes, channel: int = CHANNEL) -> None:
        """To the peer of that channel."""
        padding = bytes(-len(data) % 4) if self.line.type == socket.SOCK_STREAM else b""
        self.line.sendall(struct.pack("!HH", channel, len(data)) + data + padding)

    def receive(self) -> bytes:
        """What a channel's peer has sent. Raises TimeoutError."""
        while not 0x40 <= (message := self._receive())[0] <= 0x7F:
            pass
        return message[4 : 4 + int.from_bytes(message[2:4])]

    def close(self) -> None:
        """Let go of the socket; by UDP the allocation runs out by itself, by TCP it ends now."""
        self.line.close()

    def _ask(
        self, method: int, attributes: Attributes, transaction: bytes = b""
    ) -> tuple[bytes, list[tuple[int, bytes]]]:
        """What the answer's addresses are masked with, and its attributes in order."""
        transaction = transaction or os.urandom(12)
        self.line.sendall(self._request(method, transaction, attributes))
        while True:
            answer = self._receive()
            kind, _, _, given = struct.unpack("!HHI12s", answer[:20])
            if given == transaction:
                break
        in_order = _attributes(answer[20:])
        found = dict(reversed(in_order))
        self._realm = found.get(_REALM, self._realm)
        self._nonce = found.get(_NONCE, self._nonce)
        if kind == method | _ERROR:
            error = found[_ERROR_CODE]
            raise Refused(error[2] * 100 + error[3], error[4:].decode())
        return answer[4:20], in_order

    def _receive(self) -> bytes:
        if self.line.type == socket.SOCK_DGRAM:
            return self.line.recv(2048)
        head = self._exactly(4)
        length = int.from_bytes(head[2:4])
        is_data = head[0] >= 0x40
        return head + self._exactly(length + -length % 4 if is_data else 16 + length)

    def _exactly(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            more = self.line.recv(length - len(got))
            if not more:
                raise ConnectionResetError("the server ended the stream")
            got += more
        return got

    def _request(self, method: int, transaction: bytes, attributes: Attributes) -> bytes:
        if not self._nonce:
            return _message(method, transaction, _packed(attributes))
        proof = {_USERNAME: self.username.encode(), _REALM: self._realm, _NONCE: self._nonce}
        body = _packed(attributes | proof)
        secret = f"{self.username}:{self._realm.decode()}:{self.password}".encode()
        key = hashlib.md5(secret, usedforsecurity=False).digest()
        unproven = _message(method, transaction, body, and_later=24)
        mac = hmac.digest(key, unproven, "sha1")
        return _message(method, transaction, body + _packed({_MESSAGE_INTEGRITY: mac}))


def _message(method: int, transaction: bytes, body: bytes, and_later: int = 0) -> bytes:
    return struct.pack("!HHI", method, len(body) + and_later, MAGIC_COOKIE) + transaction + body


def _packed(attributes: Attributes) -> bytes:
    return b"".join(
        struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in attributes.items()
    )


def _attributes(body: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while body:
        kind, length = struct.unpack("!HH", body[:4])
        found.append((kind, body[4 : 4 + length]))
        body = body[4 + length + -length % 4 :]
    return found


def _xored(address: Address, transaction: bytes) -> bytes:
    """RFC 8489 section 14.2: IPv4 is masked with the cookie, IPv6 with the transaction too."""
    host, port = ip_address(address[0]), address[1]
    mask = struct.pack("!I", MAGIC_COOKIE) + transaction
    family = 1 if host.version == 4 else 2
    return struct.pack("!HH", family, port ^ (MAGIC_COOKIE >> 16)) + _masked(host.packed, mask)


def _address(value: bytes, mask: bytes) -> Address:
    port = int.from_bytes(value[2:4]) ^ (MAGIC_COOKIE >> 16)
    return str(ip_address(_masked(value[4:], mask))), port


def _masked(host: bytes, mask: bytes) -> bytes:
    return bytes(octet ^ other for octet, other in zip(host, mask, strict=False))
