"""An OpenID provider that says whatever a test tells it to, over HTTPS on a host."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.certificates import TestAuthority
from tests.clients.namespaces import Host
from tests.clients.openid_provider import certificate_of


class LyingProvider:
    """`token` is what the next code is exchanged for; `asked` is the form that came with it."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.curve = ECKey.generate_key("P-256", {"kid": "second"})
        self.documents: dict[str, Any] = {
            "/.well-known/openid-configuration": self.metadata(),
            "/jwks": {"keys": [key.as_dict(private=False) for key in (self.key, self.curve)]},
        }
        self.token = ""
        self.asked: dict[str, list[str]] = {}

    def metadata(self, **changed: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **changed,
        }

    def claims(self, nonce: str, /, **changed: Any) -> dict[str, Any]:
        """Good claims about Alice; a change to None leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.issuer, "aud": "vestibule", "sub": "alice", "nonce": nonce, "iat": now,
            "exp": now + 300, **changed,
        }  # fmt: skip
        return {name: value for name, value in good.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: RSAKey | ECKey | None = None, **head: Any) -> str:
        """An ID token; by default as it should be."""
        header = {"alg": "RS256", "kid": "first", **head}
        body = json.dumps(claims).encode()
        return jws.serialize_compact(header, body, key or self.key, [header["alg"]])


@contextmanager
def lying(host: Host, folder: Path, authority: TestAuthority) -> Iterator[LyingProvider]:
    """A running one."""
    listener = host.listen(host.address)
    provider = LyingProvider(f"https://{host.address}:{listener.getsockname()[1]}")

    class Answers(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            self._say(provider.documents.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            provider.asked = parse_qs(body.decode())
            self._say({"token_type": "Bearer", "access_token": "x", "id_token": provider.token})

        def _say(self, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(200 if document is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    folder.mkdir(parents=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate_of(host, authority).write(folder, "liar"))
    server = ThreadingHTTPServer(listener.getsockname(), Answers, bind_and_activate=False)
    server.socket.close()
    server.socket = tls.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
