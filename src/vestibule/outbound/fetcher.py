"""The one outbound fetcher (ATTACKS 22): scheme, address, size, time and redirects are limited.

The address is looked up once, judged, and then connected to: a name that answers differently the
second time (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from vestibule._native import TlsRefused
from vestibule.outbound.addresses import Address, OutboundPolicy, canonical
from vestibule.outbound.exchange import GET, Answer, BadAnswer, Call, exchange
from vestibule.outbound.tls_stream import TlsStream, Trust

T = TypeVar("T")
Resolve = Callable[[str, int], Awaitable[Iterable[str]]]

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL = 2048
_LIST_MISSING = frozenset({"revocation-unknown", "revocation-list-expired"})
_ANSWERS_TO_FORMS = frozenset({200, 400, 401})


class FetchRefused(Exception):
    """Nothing was fetched; the message says why, without what the other side said."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one fetch may cost."""

    seconds: float = 10.0
    octets: int = 10 * 1024 * 1024
    redirects: int = 1


class Fetcher:
    """Fetches by GET, and asks more. `tls` verifies https servers; without it there is no https.

    `lists_only`: it fetches revocation lists, see `edge/outbound_trust.py`. `resolve` gives a name's addresses.
    """

    def __init__(
        self,
        policy: OutboundPolicy,
        *,
        limits: FetchLimits | None = None,
        tls: Trust | None = None,
        lists_only: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        self._policy = policy
        self._limits = limits or FetchLimits()
        self._tls = tls
        self._lists_only = lists_only
        self._resolve = resolve or _addresses_of

    async def fetch(self, url: str) -> bytes:
        """What is there. Raises FetchRefused."""
        return await self._limited(self._follow(url))

    async def ask(self, url: str, call: Call) -> Answer:
        """One request and its answer, whatever it is; https only, redirects are not followed.

        Raises FetchRefused if there is no answer.
        """
        parts = _checked(url)
        if parts.scheme != "https":
            raise FetchRefused("https only")
        return await self._limited(self._exchange(parts, call))

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, authorization: str | None = None
    ) -> Answer:
        """The answer to a form: with its body if it is 200, 400 or 401. No redirect is followed.

        Raises FetchRefused; also for a URL that isn't https, for forms hold secrets.
        """
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        body = urlencode(fields).encode()
        return await self.ask(url, Call("POST", tuple(headers), body, _ANSWERS_TO_FORMS))

    async def _limited(self, work: Awaitable[T]) -> T:
        """The work's outcome, in time. Raises FetchRefused, whatever went wrong."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await work
        except TimeoutError:
            raise FetchRefused(f"it took more than {self._limits.seconds:g} seconds") from None
        except TlsRefused as error:
            raise FetchRefused(f"TLS: {error.args[0]}") from error
        except OSError as error:
            raise FetchRefused(f"no connection: {error.strerror or error}") from error
        except BadAnswer as error:
            raise FetchRefused(str(error)) from error

    async def _follow(self, url: str) -> bytes:
        for _ in range(self._limits.redirects + 1):
            answer = await self._exchange(_checked(url), GET)
            if answer.status == 200:
                return answer.body
            if answer.status not in _REDIRECTS or not answer.location:
                raise FetchRefused(f"the answer is {answer.status}")
            further = urljoin(url, answer.location)
            if url.startswith("https:") and not further.startswith("https:"):
                raise FetchRefused("a redirect from https to something else")
            url = further
        raise FetchRefused("too many redirects")

    async def _exchange(self, url: SplitResult, call: Call) -> Answer:
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        address = await self._permitted_address(host, port)
        if url.scheme == "http":
            return await self._once(url, call, (str(address), port), None)
        if self._tls is None:
            raise FetchRefused("no https without a trust")
        try:
            return await self._once(url, call, (str(address), port), self._tls)
        except TlsRefused as error:
            if self._lists_only or error.args[1] not in _LIST_MISSING:
                raise
        await self._tls.look()
        return await self._once(url, call, (str(address), port), self._tls)

    async def _once(
        self, url: SplitResult, call: Call, place: tuple[str, int], tls: Trust | None
    ) -> Answer:
        line = tls.line(url.hostname or "", lists_only=self._lists_only) if tls else None
        reader, writer = await asyncio.open_connection(*place)
        try:
            if line is None:
                return await exchange(reader, writer, url, self._limits.octets, call)
            stream = TlsStream(reader, writer, line)
            await stream.handshake()
            return await exchange(stream, stream, url, self._limits.octets, call)
        finally:
            writer.transport.abort()

    async def _permitted_address(self, host: str, port: int) -> Address:
        """The first address that may be connected to; it is what is connected to."""
        found = [canonical(text) for text in await self._resolve(host, port)]
        for address in found:
            if self._policy.permits(address):
                return address
        raise FetchRefused("its address is not a public one" if found else "it has no address")


def _checked(url: str) -> SplitResult:
    """The URL taken apart. Raises FetchRefused if it isn't one that we follow."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise FetchRefused("not a URL that we follow")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise FetchRefused("not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise FetchRefused("neither http nor https")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("a URL with a user in it")
    return parts


async def _addresses_of(host: str, port: int) -> Iterable[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
