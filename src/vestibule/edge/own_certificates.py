"""Client certificates of other authorities kept from the application: they prove no person or device of ours.

Their serial numbers may be those of our devices' certificates, by chance or by design.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cryptography import x509

from vestibule.edge.proxied_http import CLIENT_CERTIFICATE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class OwnCertificates:
    """An ASGI application before another. `issued_here` tells our authority's certificates."""

    def __init__(
        self, application: Application, issued_here: Callable[[x509.Certificate], bool]
    ) -> None:
        self._application = application
        self._issued_here = issued_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        extensions = scope.get("extensions") or {}
        der = extensions.get(CLIENT_CERTIFICATE)
        if isinstance(der, bytes) and not self._is_ours(der):
            scope = {**scope, "extensions": {**extensions, CLIENT_CERTIFICATE: None}}
        await self._application(scope, receive, send)

    def _is_ours(self, der: bytes) -> bool:
        try:
            return self._issued_here(x509.load_der_x509_certificate(der))
        except ValueError:
            return False
