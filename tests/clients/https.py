"""HTTPS from a test's own host: httpx for cookies and forms, a socket of that host below."""

import http.client
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.clients.namespaces import Host

OpenBrowser = Callable[[], httpx.Client]


class HostTransport(httpx.BaseTransport):
    """Sends each request on a new connection made from the host, the server's certificate checked."""

    def __init__(self, host: Host, authority: Path, certificate: Path | None = None) -> None:
        """`certificate`: a PEM with key and client certificate, to show to the server."""
        self._host = host
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._tls.set_alpn_protocols(
            ["http/1.1"]
        )  # who names no protocol may be asked for no certificate
        if certificate is not None:
            self._tls.load_cert_chain(certificate)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, read whole."""
        name, port = request.url.host, request.url.port or 443
        plain = self._host.connect(name, port)
        with self._tls.wrap_socket(plain, server_hostname=name) as line:
            connection = http.client.HTTPConnection(name, port)
            connection.sock = line
            connection.putrequest(
                request.method,
                request.url.raw_path.decode(),
                skip_host=True,
                skip_accept_encoding=True,
            )
            for header, value in request.headers.raw:
                connection.putheader(header, value)
            connection.endheaders(request.read())
            answer = connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
