"""The load: many TLS connections that register, write and call, the same against any server."""

import asyncio
import hashlib
import re
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can register. `algorithm`: of the digest, "SHA-256" or "MD5"."""

    user: str
    domain: str
    secret: str
    algorithm: str

    @property
    def aor(self) -> str:
        """Address of record."""
        return f"sip:{self.user}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server listens, and which authority vouches for it."""

    host: str
    port: int
    authority: Path


class Agent:
    """A user agent on one connection: registers, answers what comes, counts what it got."""

    def __init__(self, account: Account, target: Target) -> None:
        self.account, self._target = account, target
        self._waiting: dict[tuple[str, int], asyncio.Future[bytes]] = {}
        self._cseq = 0
        self._call_id = secrets.token_hex(8)
        self._nonce_count = 0
        self._challenge: dict[str, str] = {}

    async def connect(self) -> None:
        """Open the connection and begin to read."""
        context = ssl.create_default_context(cafile=str(self._target.authority))
        context.check_hostname = False
        self._reader, self._writer = await asyncio.open_connection(
            self._target.host, self._target.port, ssl=context
        )
        self.port: int = self._writer.get_extra_info("sockname")[1]
        self._task = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Close the connection."""
        self._task.cancel()
        self._writer.close()

    async def register(self) -> None:
        """A registration from nothing: asked without proof, challenged, accepted."""
        self._challenge = {}
        response = await self._register()
        if response.startswith(b"SIP/2.0 401"):
            self._take_challenge(response)
            response = await self._register()
        assert response.startswith(b"SIP/2.0 200"), response

    async def refresh(self) -> None:
        """A registration that proves itself with the nonce it has."""
        response = await self._register()
        if response.startswith(b"SIP/2.0 401"):  # the nonce ran out: answered, as a client would
            self._take_challenge(response)
            response = await self._register()
        assert response.startswith(b"SIP/2.0 200"), response

    async def message(self, to: str) -> None:
        """One instant message, accepted at the other end."""
        response = await self._proven("MESSAGE", to, "Content-Type: text/plain", b"hello")
        assert response[8:11] in (b"200", b"202"), response

    async def call(self, to: str) -> None:
        """INVITE, 200, ACK, BYE, 200."""
        response = await self._proven("INVITE", to, "Content-Type: application/sdp", _OFFER)
        assert response.startswith(b"SIP/2.0 200"), response
        head = response.split(b"\r\n\r\n")[0].decode()
        to_header = _header(head, "To")
        contact = _header(head, "Contact").strip("<>").split(">")[0]
        routes = "".join(f"Route: {r}\r\n" for r in reversed(_headers(head, "Record-Route")))
        call_id = _header(head, "Call-ID")
        from_header = _header(head, "From")
        cseq = int(_header(head, "CSeq").split()[0])
        self._write("ACK", contact, from_header, to_header, call_id, cseq, routes)
        bye = await self._ask("BYE", contact, from_header, to_header, call_id, cseq + 1, routes)
        assert bye.startswith(b"SIP/2.0 200"), bye

    # --- inside ---

    async def _proven(self, method: str, to: str, content_type: str, body: bytes) -> bytes:
        for _ in range(2):
            proof = self._proof(method, to)
            response = await self._ask(
                method, to, f"<{self.account.aor}>;tag={secrets.token_hex(4)}", f"<{to}>",
                secrets.token_hex(8), 1, f"{proof}{content_type}\r\n", body,
            )  # fmt: skip
            if response[8:11] not in (b"401", b"407"):
                break
            self._take_challenge(response)
        return response

    async def _register(self) -> bytes:
        self._cseq += 1
        uri = f"sip:{self.account.domain}"
        me = f"<{self.account.aor}>"
        extra = f"{self._proof('REGISTER', uri)}Expires: 600\r\n"
        return await self._ask("REGISTER", uri, f"{me};tag=r", me, self._call_id, self._cseq, extra)

    def _proof(self, method: str, uri: str) -> str:
        if not self._challenge:
            return ""
        account, fields = self.account, self._challenge
        h = hashlib.sha256 if account.algorithm == "SHA-256" else hashlib.md5

        def digest(text: str) -> str:
            return h(text.encode()).hexdigest()

        self._nonce_count += 1
        nc, cnonce = f"{self._nonce_count:08x}", "c0ffee"
        ha1 = digest(f"{account.user}:{fields['realm']}:{account.secret}")
        middle = f"{fields['nonce']}:{nc}:{cnonce}:auth"
        response = digest(f"{ha1}:{middle}:{digest(f'{method}:{uri}')}")
        name = fields["header"]
        return (
            f'{name}: Digest username="{account.user}", realm="{fields["realm"]}", '
            f'nonce="{fields["nonce"]}", uri="{uri}", response="{response}", '
            f'algorithm={account.algorithm}, qop=auth, nc={nc}, cnonce="{cnonce}"\r\n'
        )

    def _take_challenge(self, response: bytes) -> None:
        head = response.decode()
        for name, header in (
            ("WWW-Authenticate", "Authorization"),
            ("Proxy-Authenticate", "Proxy-Authorization"),
        ):
            for value in _headers(head, name):
                fields = dict(re.findall(r'(\w+)="?([^",]+)"?', value))
                if fields.get("algorithm", "MD5") == self.account.algorithm and "nonce" in fields:
                    self._challenge = {**fields, "header": header}
                    self._nonce_count = 0
                    return
        raise AssertionError(f"no {self.account.algorithm} challenge in {head}")

    async def _ask(
        self, method: str, uri: str, from_header: str, to_header: str, call_id: str, cseq: int,
        extra: str = "", body: bytes = b"",
    ) -> bytes:  # fmt: skip
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[(call_id, cseq)] = answer
        self._write(method, uri, from_header, to_header, call_id, cseq, extra, body)
        return await asyncio.wait_for(answer, 20.0)

    def _write(
        self, method: str, uri: str, from_header: str, to_header: str, call_id: str, cseq: int,
        extra: str = "", body: bytes = b"",
    ) -> None:  # fmt: skip
        head = (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/TLS 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport\r\n"
            f"From: {from_header}\r\nTo: {to_header}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.account.user}@127.0.0.1:{self.port};transport=tls>\r\n"
            f"{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    async def _read(self) -> None:
        while True:
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            length = _LENGTH.search(head)
            body = await self._reader.readexactly(int(length[1])) if length else b""
            if head.startswith(b"SIP/2.0 1"):
                continue
            if head.startswith(b"SIP/2.0 "):
                self._answered(head + body)
            elif not head.startswith(b"ACK "):
                self._writer.write(self._reply(head.decode()))

    def _answered(self, response: bytes) -> None:
        head = response.decode()
        key = (_header(head, "Call-ID"), int(_header(head, "CSeq").split()[0]))
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(response)

    def _reply(self, head: str) -> bytes:
        copied = "".join(
            f"{name}: {value}\r\n"
            for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq")
            for value in _headers(head, name)
        )
        to = _header(head, "To")
        tag = "" if "tag=" in to else ";tag=callee"
        body = _OFFER if head.startswith("INVITE ") else b""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"SIP/2.0 200 OK\r\n{copied}To: {to}{tag}\r\n"
            f"Contact: <sip:{self.account.user}@127.0.0.1:{self.port};transport=tls>\r\n"
            f"{kind}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def _headers(head: str, name: str) -> list[str]:
    return [value.strip() for value in re.findall(rf"(?im)^{name}[ \t]*:(.*)$", head)]


def _header(head: str, name: str) -> str:
    found = _headers(head, name)
    assert found, f"no {name} in {head}"
    return found[0]


_OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/SAVP 0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
    b"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=rtpmap:0 PCMU/8000\r\n"
)
