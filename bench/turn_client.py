"""As much of a TURN client (RFC 8656) as it takes to set up what is measured or attacked."""

import hashlib
import hmac
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

MAGIC_COOKIE = 0x2112A442
CHANNEL = 0x4000

_ALLOCATE, _CREATE_PERMISSION, _CHANNEL_BIND = 0x003, 0x008, 0x009
_SUCCESS, _ERROR = 0x100, 0x110
_USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE = 0x0006, 0x0008, 0x0009
_CHANNEL_NUMBER, _XOR_PEER_ADDRESS, _REALM, _NONCE = 0x000C, 0x0012, 0x0014, 0x0015
_XOR_RELAYED_ADDRESS, _REQUESTED_TRANSPORT = 0x0016, 0x0019
_UDP = bytes([17, 0, 0, 0])
_WAIT_SECONDS = 2.0

Address = tuple[str, int]
Attributes = dict[int, bytes]


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
    _realm: bytes = b""
    _nonce: bytes = b""

    def __post_init__(self) -> None:
        self.line.settimeout(_WAIT_SECONDS)

    def allocate(self) -> Address:
        """Get a relayed address. Raises Refused, TimeoutError."""
        wanted = {_REQUESTED_TRANSPORT: _UDP}
        for _ in range(2):
            # Without proof it has to be refused; and where the port was another client's, the nonce is of that one.
            with suppress(Refused):
                answer = self._ask(_ALLOCATE, wanted)
                break
        else:
            answer = self._ask(_ALLOCATE, wanted)
        self.relayed = _address(answer[_XOR_RELAYED_ADDRESS])
        return self.relayed

    def permit(self, peer: Address) -> None:
        """Let `peer` in, whatever its port. Raises Refused, TimeoutError."""
        self._ask(_CREATE_PERMISSION, {_XOR_PEER_ADDRESS: _xored(peer)})

    def bind_channel(self, peer: Address, channel: int = CHANNEL) -> None:
        """Let `peer` in and reach it by that channel. Raises Refused, TimeoutError."""
        number = struct.pack("!HH", channel, 0)
        self._ask(_CHANNEL_BIND, {_CHANNEL_NUMBER: number, _XOR_PEER_ADDRESS: _xored(peer)})

    def close(self) -> None:
        """Let go of the socket; by UDP the allocation runs out by itself, by TCP it ends now."""
        self.line.close()

    def _ask(self, method: int, attributes: Attributes) -> Attributes:
        transaction = os.urandom(12)
        self.line.sendall(self._request(method, transaction, attributes))
        while True:
            answer = self._receive()
            kind, _, _, given = struct.unpack("!HHI12s", answer[:20])
            if given == transaction:
                break
        found = _attributes(answer[20:])
        self._realm = found.get(_REALM, self._realm)
        self._nonce = found.get(_NONCE, self._nonce)
        if kind == method | _ERROR:
            error = found[_ERROR_CODE]
            raise Refused(error[2] * 100 + error[3], error[4:].decode())
        return found

    def _receive(self) -> bytes:
        if self.line.type == socket.SOCK_DGRAM:
            return self.line.recv(2048)
        head = self._exactly(20)
        return head + self._exactly(int.from_bytes(head[2:4]))

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


def _attributes(body: bytes) -> Attributes:
    found: Attributes = {}
    while body:
        kind, length = struct.unpack("!HH", body[:4])
        found[kind] = body[4 : 4 + length]
        body = body[4 + length + -length % 4 :]
    return found


def _xored(address: Address) -> bytes:
    host, port = struct.unpack("!I", socket.inet_aton(address[0]))[0], address[1]
    return struct.pack("!HHI", 1, port ^ (MAGIC_COOKIE >> 16), host ^ MAGIC_COOKIE)


def _address(value: bytes) -> Address:
    _, port, host = struct.unpack("!HHI", value)
    return socket.inet_ntoa(struct.pack("!I", host ^ MAGIC_COOKIE)), port ^ (MAGIC_COOKIE >> 16)
