"""A bare TLS connection that speaks whatever SIP a test writes, and reads the answers."""

import contextlib
import hashlib
import re
import secrets
import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host


class SipLine:
    """One TLS connection to the SIP port; a device's PEM makes it a device's."""

    def __init__(self, host: Host, deployment: Deployment, certificate: Path | None = None) -> None:
        self.host = host
        facts = deployment.facts
        context = ssl.create_default_context(cafile=str(deployment.authority))
        if certificate is not None:
            context.load_cert_chain(certificate)
        raw = host.connect(facts["host"], facts["sip_tls_port"])
        self._socket: ssl.SSLSocket = context.wrap_socket(raw, server_hostname=facts["host"])
        self._socket.settimeout(10.0)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def hang_up(self) -> None:
        """End the connection; whoever waits in `receive` in another thread hears of it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def send(self, text: str | bytes) -> None:
        """Send octets; line ends of text become CRLF."""
        data = text.replace("\n", "\r\n").encode() if isinstance(text, str) else text
        self._socket.sendall(data)

    def receive(self) -> str:
        """The next whole message. Raises ConnectionError when the server has closed."""
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if end:
                length = int(re.search(rb"(?im)^content-length: *(\d+)", head)[1])  # type: ignore[index]
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    return (head + end + rest[:length]).decode()
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("closed by the server")
            self._buffer += data

    def final(self) -> str:
        """The next final response."""
        while True:
            message = self.receive()
            if message.startswith("SIP/2.0 ") and message[8] != "1":
                return message

    def ask(self, text: str | bytes) -> int:
        """Send a request and return the status of its final response."""
        self.send(text)
        return status_of(self.final())


def status_of(response: str) -> int:
    """The status code of a response."""
    return int(response.split(" ", 2)[1])


def header_of(message: str, name: str) -> str:
    """The first header of that name. Raises AssertionError if there is none."""
    found = re.search(rf"(?im)^{name}: *(.*?)\r?$", message)
    assert found, f"no {name} in {message}"
    return found[1]


def request(
    method: str,
    uri: str,
    sender: str,
    *,
    to: str | None = None,
    headers: str = "",
    body: str = "",
    cseq: int = 1,
    call_id: str | None = None,
) -> str:
    """A well-formed request of a client that has no listening port. `headers`: more lines."""
    length = len(body.replace("\n", "\r\n").encode())  # `send` makes CRLF of every line end
    more = f"{headers.strip()}\n" if headers else ""
    return (
        f"{method} {uri} SIP/2.0\n"
        f"Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK{secrets.token_hex(8)}\n"
        f"From: <{sender}>;tag={secrets.token_hex(4)}\n"
        f"To: <{to or uri}>\n"
        f"Call-ID: {call_id or secrets.token_hex(8)}\n"
        f"CSeq: {cseq} {method}\n"
        "Max-Forwards: 70\n"
        "Contact: <sip:test@192.0.2.1:5061;transport=tls>\n"
        f"{more}Content-Length: {length}\n\n{body}"
    )


def digest(
    challenge: str, *, method: str, uri: str, username: str, password: str, count: int = 1
) -> str:
    """An Authorization header line for a SHA-256 challenge (RFC 7616)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    assert fields.get("algorithm") == "SHA-256", challenge

    def h(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    realm, nonce = fields["realm"], fields["nonce"]
    nc, cnonce = f"{count:08x}", secrets.token_hex(8)
    ha1, ha2 = h(f"{username}:{realm}:{password}"), h(f"{method}:{uri}")
    response = h(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")
    return (
        f'Authorization: Digest username="{username}", realm="{realm}", nonce="{nonce}", '
        f'uri="{uri}", response="{response}", algorithm=SHA-256, qop=auth, nc={nc}, '
        f'cnonce="{cnonce}"'
    )


def challenge_of(response: str, algorithm: str = "SHA-256") -> str:
    """The digest challenge of that algorithm in a 401."""
    lines = re.findall(r"(?im)^WWW-Authenticate: *(Digest .*?)\r?$", response)
    for line in lines:
        if f"algorithm={algorithm}" in line.replace('"', ""):
            return str(line)
    raise AssertionError(f"no {algorithm} challenge in {response}")
