"""What a request came by, for who decides about it."""

from starlette.requests import Request

from vestibule.edge.flows import ClientCertificate
from vestibule.edge.proxied_http import CLIENT_CERTIFICATE
from vestibule.identity.access_gate import Connection


def connection_of(request: Request) -> Connection:
    """The client's address, and the serial of the certificate that the edge has verified."""
    address = request.client.host if request.client else ""
    der = (request.scope.get("extensions") or {}).get(CLIENT_CERTIFICATE)
    if not isinstance(der, bytes):
        return Connection(address)
    try:
        return Connection(address, ClientCertificate.from_der(der).serial)
    except ValueError:  # unreadable, so none that we have issued
        return Connection(address)
