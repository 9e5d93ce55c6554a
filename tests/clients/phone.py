"""A plain phone in a meeting, at the level of packets: it dials the focus, says nothing and counts what it is sent."""

import re
from types import TracebackType

from tests.clients.calls import KEYED, PICTURES, SDP
from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, device_line
from tests.clients.namespaces import Host
from tests.clients.participant import C3P
from tests.clients.receiving_socket import ReceivingSocket
from tests.clients.sip_dialog import later
from tests.clients.sip_line import request, status_of


class Phone:
    """A member's phone on a host."""

    def __init__(self, host: Host, deployment: Deployment, name: str) -> None:
        self.me = deployment.user(name).sip
        self._focus: str = deployment.facts["meeting"]["focus"]
        self.line = device_line(host, deployment, name)
        self.ear, self.eye = ReceivingSocket(host), ReceivingSocket(host)
        self._accepted = ""

    def __enter__(self) -> "Phone":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.line.__exit__(kind, error, traceback)
        self.ear.close()
        self.eye.close()

    def join(
        self,
        media_at: tuple[str, int] | None = None,
        *,
        pictures: bool = False,
        pictures_at: str = "",
    ) -> str:
        """Dial in; the answer's SDP. `media_at`: have sound sent there, not here. `pictures`: see, too;
        `pictures_at`: another's m-line for them.
        """
        address, port = media_at or self.ear.udp.getsockname()
        offer = KEYED.replace("192.0.2.1", address).replace("40000", str(port))
        if pictures or pictures_at:
            offer += pictures_at or PICTURES.replace("40002", str(self.eye.port))
        self.line.send(request("INVITE", self._focus, self.me, headers=SDP, body=offer))
        self._accepted = self.line.final()
        assert status_of(self._accepted) == 200, self._accepted
        self.line.send(later("ACK", self._accepted, cseq=1))
        return self._accepted.partition("\r\n\r\n")[2]

    def add_media(self, endpoint: str) -> str:
        """Ask the focus for media as browsers do, under that endpoint id; its answer."""
        media = self._focus.replace(":focus:", ":audio-video:")
        body = ADD_USER.format(focus=self._focus, me=self.me, role="attendee")
        body = body.replace("<addUser>", f'<addUser mcuUri="{media}">')
        body = re.sub(r"\{1+-[1-]*\}", endpoint, body)
        self.line.send(later("INFO", self._accepted, headers=C3P, body=body))
        return self.line.final()

    def leave(self) -> None:
        """Hang up."""
        self.line.send(later("BYE", self._accepted))
        assert status_of(self.line.final()) == 200

    def hears(self, packets: int) -> None:
        """Wait for so many packets more."""
        self.ear.receives(packets, "the room's sound")

    def has_heard(self) -> bool:
        """Whether a packet is there."""
        return self.ear.has_received()

    def forget(self) -> None:
        """Throw away what has come."""
        self.ear.forget()
