"""SIP over WebSocket as the web client speaks it: each message signed (docs/protocol/association.md)."""

import re
import ssl
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.clients.association import ClientAssociation
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host
from tests.clients.oidc import tokens
from tests.clients.sip_line import SipLine


def open_socket(host: Host, deployment: Deployment) -> ClientConnection:
    """SIP over WebSocket, as a page of ours would open it."""
    facts = deployment.facts
    socket: ClientConnection = connect(
        f"wss://{facts['host']}:{facts['https_port']}/sip",
        sock=host.connect(facts["host"], facts["https_port"]),
        ssl=ssl.create_default_context(cafile=str(deployment.authority)),
        server_hostname=facts["host"],
        origin=Origin(deployment.origin),
        subprotocols=[Subprotocol("sip")],
    )
    return socket


class SocketLine(SipLine):
    """A person's browser, signed in. What it is sent must be proven too."""

    def __init__(self, host: Host, deployment: Deployment, name: str) -> None:
        self.host = host
        self._opened = ExitStack()
        transport = HostTransport(host, deployment.authority)
        browser = httpx.Client(transport=transport, base_url=deployment.origin)
        self._opened.enter_context(browser)
        given = tokens(browser, deployment, name)
        person = deployment.user(name).sip
        self._association = ClientAssociation.open(browser, given["access_token"], person)
        self._websocket = self._opened.enter_context(open_socket(host, deployment))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def hang_up(self) -> None:
        """End the connection."""
        self._websocket.close()

    def send(self, text: str | bytes) -> None:
        """Send a message, signed; line ends become CRLF."""
        assert isinstance(text, str)
        text = re.sub(r"(?m)^Contact: .*$", "Contact: <sip:x@x.invalid;transport=ws>", text)
        self._websocket.send(self._association.sign(text.replace("\n", "\r\n")))

    def receive(self) -> str:
        """The next message. Raises ConnectionClosed."""
        message = str(self._websocket.recv(10.0))
        assert self._association.verify(message), message
        return message
