"""What a library built on `requests` sends, sent by the one outbound fetcher with all its limits."""

import asyncio
import io
from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from vestibule.outbound.exchange import Answer, Call
from vestibule.outbound.fetcher import Fetcher, FetchRefused

_OF_THE_CONNECTION = frozenset(
    {"host", "user-agent", "connection", "content-length", "accept-encoding", "transfer-encoding"}
)
"""Headers that the fetcher writes itself, or whose consequences it would not bear."""


class FetcherTransport(BaseAdapter):
    """To be mounted in a `requests.Session` that is used by other threads than `loop`'s.

    What can't be fetched is raised as `requests.ConnectionError`. Certificates are checked as the
    fetcher does it, and it alone limits time and size: the session's options for that are not used.
    """

    def __init__(self, fetcher: Fetcher, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._fetcher = fetcher
        self._loop = loop
        self._ended = False

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request and its answer."""
        if self._ended:
            raise requests.ConnectionError("shutting down", request=request)
        asked = self._fetcher.ask(request.url or "", _call(request))
        try:
            answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        except FetchRefused as error:
            raise requests.ConnectionError(str(error), request=request) from error
        return _response(request, answer)

    def end(self) -> None:
        """Send nothing more: whoever is at work learns it by the next request."""
        self._ended = True

    def close(self) -> None:
        """A session that used it has ended; others may go on."""


def _call(request: requests.PreparedRequest) -> Call:
    body = request.body or b""
    return Call(
        method=request.method or "GET",
        headers=tuple(
            (name, value if isinstance(value, str) else value.decode("latin-1"))
            for name, value in request.headers.items()
            if name.lower() not in _OF_THE_CONNECTION
        ),
        body=body.encode() if isinstance(body, str) else bytes(body),  # type: ignore[arg-type]
        reads=None,
    )


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.raw = io.BytesIO(answer.body)
    response.url = request.url or ""
    response.request = request
    return response
