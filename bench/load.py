"""The load: TLS connections that register, write and call, the same against any server.

What comes back is checked: a wrong answer, none, or a message that arrives changed is `ActFailed`.
"""

import asyncio
import hashlib
import re
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

ANSWER_SECONDS = 5.0
"""How long an answer may take before the act has failed."""

_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)")
_PARAMETER = re.compile(r'(\w+)="?([^",]+)"?')


class ActFailed(Exception):
    """The server did not do what was asked; the message says what it said instead."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can register, by a SHA-256 digest."""

    user: str
    domain: str
    secret: str

    @property
    def aor(self) -> str:
        """Address of record."""
        return f"sip:{self.user}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, and which authority vouches for it."""

    host: str
    port: int
    authority: Path

    def tls(self) -> ssl.SSLContext:
        """What its connections are made with: chain and name are checked."""
        return ssl.create_default_context(cafile=str(self.authority))


@dataclass(frozen=True, slots=True)
class _Ask:
    """What makes a request. `headers` are lines with their ends."""

    method: str
    uri: str
    from_header: str
    to_header: str
    call_id: str
    cseq: int
    headers: str = ""
    body: bytes = b""
    contact: str | None = None
    """Another one than the agent's own."""


class Agent:
    """A user agent on one connection: registers, answers what comes, counts what it got."""

    def __init__(self, account: Account, target: Target, source: str) -> None:
        self.account = account
        self.received: Counter[str] = Counter()
        """Requests that arrived whole and unchanged, by method."""
        self._target, self._source = target, source
        self._waiting: dict[tuple[str, int], asyncio.Future[bytes]] = {}
        self._numbers = count(1)
        self._cseq = 0
        self._nonce_count = 0
        self._challenge: Mapping[str, str] = {}

    async def connect(self, tls: ssl.SSLContext) -> None:
        """Open the connection and begin to read."""
        self._tls = tls
        self._reader, self._writer = await asyncio.open_connection(
            self._target.host, self._target.port, ssl=tls, local_addr=(self._source, 0)
        )
        port = self._writer.get_extra_info("sockname")[1]
        self._place = f"{self._source}:{port}"
        self._contact = f"<sip:{self.account.user}@{self._place};transport=tls>"
        self._task = asyncio.create_task(self._read())

    async def reconnect(self) -> None:
        """Begin again on a new connection, and take back what the old one left behind."""
        left_behind = self._contact
        await self.close()
        await self.connect(self._tls)
        await self.register()
        _expect(await self._register(0, left_behind))

    @property
    def cipher(self) -> str:
        """TLS version and cipher suite."""
        name, version, _ = self._writer.get_extra_info("cipher")
        return f"{version} {name}"

    async def close(self) -> None:
        """Close the connection."""
        self._task.cancel()
        self._writer.close()

    # --- acts ---

    async def open_another(self) -> None:
        """One more connection from the same address: opened, asked for a sign of life, closed."""
        reader, writer = await asyncio.open_connection(
            self._target.host, self._target.port, ssl=self._tls, local_addr=(self._source, 0)
        )
        writer.write(b"\r\n\r\n")  # RFC 5626 section 4.4.1
        try:
            pong = await asyncio.wait_for(reader.read(2), ANSWER_SECONDS)
        except (OSError, TimeoutError):
            pong = b""
        writer.close()
        if pong != b"\r\n":
            raise ActFailed(f"no sign of life but {pong!r}")

    async def register(self) -> None:
        """A registration from nothing: asked without proof, challenged, accepted."""
        self._challenge = {}
        self._take_challenge(await self._register(600))
        _expect(await self._register(600), self._contact.encode())

    async def refresh(self) -> None:
        """A registration that proves itself at once with the nonce it has."""
        _expect(await self._register(600), self._contact.encode())

    async def unregister(self) -> None:
        """Take the registration back."""
        _expect(await self._register(0))

    async def message(self, to: str) -> None:
        """One instant message, accepted at the other end."""
        _expect(await self._begin("MESSAGE", to, "text/plain", _TEXT))

    async def call(self, to: str) -> None:
        """INVITE, 200, ACK, BYE, 200."""
        response = await self._begin("INVITE", to, "application/sdp", _SDP)
        _expect(response, _SDP)
        head = response.partition(b"\r\n\r\n")[0].decode()
        contact = _header(head, "Contact").partition("<")[2].partition(">")[0]
        routes = "".join(
            f"Route: {route}\r\n" for route in reversed(_headers(head, "Record-Route"))
        )
        sides = (_header(head, "From"), _header(head, "To"), _header(head, "Call-ID"))
        self._write(_Ask("ACK", contact, *sides, 1, routes))
        proof = self._proof("BYE", contact)
        _expect(await self._ask(_Ask("BYE", contact, *sides, 2, routes + proof)))

    # --- requests ---

    async def _begin(self, method: str, to: str, content_type: str, body: bytes) -> bytes:
        number = next(self._numbers)
        me = f"<{self.account.aor}>;tag={number:x}"
        headers = f"{self._proof(method, to)}Content-Type: {content_type}\r\n"
        call_id = f"{number:x}-{self._place}"
        return await self._ask(_Ask(method, to, me, f"<{to}>", call_id, 1, headers, body))

    async def _register(self, seconds: int, contact: str | None = None) -> bytes:
        self._cseq += 1
        uri, me = f"sip:{self.account.domain}", f"<{self.account.aor}>"
        headers = f"{self._proof('REGISTER', uri)}Expires: {seconds}\r\n"
        ask = _Ask(
            "REGISTER", uri, f"{me};tag=r", me, f"r-{self._place}", self._cseq, headers,
            contact=contact,
        )  # fmt: skip
        return await self._ask(ask)

    def _proof(self, method: str, uri: str) -> str:
        if not self._challenge:
            return ""
        self._nonce_count += 1
        account, realm, nonce = self.account, self._challenge["realm"], self._challenge["nonce"]
        counted = f"{self._nonce_count:08x}"
        ha1 = _sha256(f"{account.user}:{realm}:{account.secret}")
        ha2 = _sha256(f"{method}:{uri}")
        response = _sha256(f"{ha1}:{nonce}:{counted}:c0ffee:auth:{ha2}")
        return (
            f'Authorization: Digest username="{account.user}", realm="{realm}", nonce="{nonce}", '
            f'uri="{uri}", response="{response}", algorithm=SHA-256, qop=auth, nc={counted}, '
            'cnonce="c0ffee"\r\n'
        )

    def _take_challenge(self, response: bytes) -> None:
        if not response.startswith(b"SIP/2.0 401"):
            raise ActFailed(f"no challenge but {_first_line(response)}")
        for value in _headers(response.decode(), "WWW-Authenticate"):
            fields = dict(_PARAMETER.findall(value))
            if fields.get("algorithm") == "SHA-256":
                self._challenge, self._nonce_count = fields, 0
                return
        raise ActFailed("no SHA-256 challenge")

    async def _ask(self, ask: _Ask) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[(ask.call_id, ask.cseq)] = answer
        self._write(ask)
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            raise ActFailed(f"{ask.method} was not answered") from None

    def _write(self, ask: _Ask) -> None:
        head = (
            f"{ask.method} {ask.uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/TLS {self._place};branch=z9hG4bK{next(self._numbers):x};rport\r\n"
            f"From: {ask.from_header}\r\nTo: {ask.to_header}\r\nCall-ID: {ask.call_id}\r\n"
            f"CSeq: {ask.cseq} {ask.method}\r\nMax-Forwards: 70\r\n"
            f"Contact: {ask.contact or self._contact}\r\n"
            f"{ask.headers}Content-Length: {len(ask.body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + ask.body)

    # --- what comes ---

    async def _read(self) -> None:
        try:
            while True:
                head = await self._reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await self._reader.readexactly(int(length[1])) if length else b""
                self._take(head, body)
        except (asyncio.IncompleteReadError, OSError):
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ActFailed("the connection ended"))

    def _take(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"SIP/2.0 1"):
            return
        if head.startswith(b"SIP/2.0 "):
            self._answered(head.decode(), head + body)
            return
        method = head.partition(b" ")[0].decode()
        if body == _BODIES.get(method, b""):
            self.received[method] += 1
        if method != "ACK":
            self._writer.write(self._reply(head.decode(), method))

    def _answered(self, head: str, response: bytes) -> None:
        key = (_header(head, "Call-ID"), int(_header(head, "CSeq").split()[0]))
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(response)

    def _reply(self, head: str, method: str) -> bytes:
        copied = "".join(
            f"{name}: {value}\r\n"
            for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq")
            for value in _headers(head, name)
        )
        to = _header(head, "To")
        tag = "" if "tag=" in to else ";tag=callee"
        body = _SDP if method == "INVITE" else b""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"SIP/2.0 200 OK\r\n{copied}To: {to}{tag}\r\nContact: {self._contact}\r\n"
            f"{kind}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def _expect(response: bytes, part: bytes = b"") -> None:
    """That a response is a 200 and has something in it."""
    if not response.startswith(b"SIP/2.0 200"):
        raise ActFailed(_first_line(response))
    if part not in response:
        raise ActFailed(f"{_first_line(response)} without {part.decode()!r}")


def _first_line(response: bytes) -> str:
    return response.partition(b"\r\n")[0].decode()


def _headers(head: str, name: str) -> list[str]:
    return [value.strip() for value in re.findall(rf"(?im)^{name}[ \t]*:(.*)$", head)]


def _header(head: str, name: str) -> str:
    found = _headers(head, name)
    if not found:
        raise ActFailed(f"no {name} in {head}")
    return found[0]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_TEXT = b"hello"
_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/SAVP 0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
    b"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=rtpmap:0 PCMU/8000\r\n"
)
_BODIES = {"MESSAGE": _TEXT, "INVITE": _SDP}
