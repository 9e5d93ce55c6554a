"""A plain phone in a meeting, at the level of packets: it dials the focus, says nothing and counts what it is sent."""

import re
import select
import time
from types import TracebackType

from tests.clients.calls import KEYED, SDP
from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, device_line
from tests.clients.namespaces import Host
from tests.clients.participant import C3P
from tests.clients.sip_dialog import later
from tests.clients.sip_line import request, status_of


class Phone:
    """A member's phone on a host."""

    def __init__(self, host: Host, deployment: Deployment, name: str) -> None:
        self.me = deployment.user(name).sip
        self._focus: str = deployment.facts["meeting"]["focus"]
        self.line = device_line(host, deployment, name)
        self.udp = host.udp()
        self.udp.bind((host.address, 0))
        self.udp.setblocking(False)
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
        self.udp.close()

    def join(self, media_at: tuple[str, int] | None = None) -> None:
        """Dial in. `media_at`: have it sent there, not here."""
        address, port = media_at or self.udp.getsockname()
        offer = KEYED.replace("192.0.2.1", address).replace("40000", str(port))
        self.line.send(request("INVITE", self._focus, self.me, headers=SDP, body=offer))
        self._accepted = self.line.final()
        assert status_of(self._accepted) == 200, self._accepted
        self.line.send(later("ACK", self._accepted, cseq=1))

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
        deadline = time.monotonic() + 20
        for _ in range(packets):
            ready, _, _ = select.select([self.udp], [], [], max(deadline - time.monotonic(), 0))
            assert ready, "the room is not heard"
            self.udp.recv(2048)

    def has_heard(self) -> bool:
        """Whether a packet is there."""
        return bool(select.select([self.udp], [], [], 0)[0])

    def forget(self) -> None:
        """Throw away what has come."""
        while self.has_heard():
            self.udp.recv(2048)
