"""A member's device in the demo's meeting, at the SIP level."""

import re
from types import TracebackType

from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, device_line
from tests.clients.namespaces import Host
from tests.clients.sip_dialog import answer, later
from tests.clients.sip_line import request, status_of

C3P = "Content-Type: application/cccp+xml"
_REQUEST = """\
<request xmlns="urn:ietf:params:xml:ns:cccp" xmlns:ci="urn:ietf:params:xml:ns:conference-info" \
C3PVersion="1" to="{focus}" from="{me}" requestId="1">{command}</request>"""
_ADMIT = (
    '<setLobbyAccess><conferenceKeys confEntity="{focus}"/><userEntity>{who}</userEntity>'
    "<access>granted</access></setLobbyAccess>"
)
_ROLE = (
    '<modifyUserRoles><userKeys confEntity="{focus}" userEntity="{who}"/>'
    "<ci:user-roles><ci:entry>{role}</ci:entry></ci:user-roles></modifyUserRoles>"
)
_MUTE = (
    '<modifyEndpointMedia><mediaKeys confEntity="{focus}" userEntity="{who}" endpointEntity="" '
    'mediaId="1"/><ci:media id="1"><ci:type>audio</ci:type><ci:status>{status}</ci:status>'
    "</ci:media></modifyEndpointMedia>"
)
_REMOVE = '<deleteUser><userKeys confEntity="{focus}" userEntity="{who}"/></deleteUser>'


class Participant:
    """Joins with a device's certificate; commands are answered with C3P documents."""

    def __init__(self, host: Host, deployment: Deployment, name: str) -> None:
        self.me = deployment.user(name).sip
        self.focus: str = deployment.facts["meeting"]["focus"]
        self.media: str = self.focus.replace(":focus:", ":audio-video:")
        self.line = device_line(host, deployment, name)
        self.joined = ""
        self._media_up = ""
        self._number = 1
        self._heard: list[str] = []

    def __enter__(self) -> "Participant":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.line.__exit__(kind, error, traceback)

    def join(self) -> str:
        """INVITE to the focus; the answer that let it in."""
        body = ADD_USER.format(focus=self.focus, me=self.me, role="attendee")
        self.joined = self.final(request("INVITE", self.focus, self.me, headers=C3P, body=body))
        assert status_of(self.joined) == 200, self.joined
        return self.joined

    def ask(self, method: str, *, headers: str = "", body: str = "") -> str:
        """A later request of the dialog; its final answer."""
        self._number += 1
        return self.final(later(method, self.joined, cseq=self._number, headers=headers, body=body))

    def final(self, message: str) -> str:
        """The final answer to a request; what the server asks meanwhile is kept for `next_of`."""
        self.line.send(message)
        while True:
            received = self.line.receive()
            if not received.startswith("SIP/2.0 "):
                self._take(received)
            elif status_of(received) >= 200:
                return received

    def command(self, text: str) -> str:
        """The answer to a C3P command."""
        return self.ask("INFO", headers=C3P, body=c3p(self.focus, self.me, text))

    def admit(self, who: str) -> str:
        """Let somebody in from the lobby."""
        return self.command(_ADMIT.replace("{who}", who))

    def make(self, who: str, role: str) -> str:
        """Give somebody a role."""
        return self.command(_ROLE.replace("{who}", who).replace("{role}", role))

    def mute(self, who: str, *, muted: bool) -> str:
        """Mute somebody for all, or lift that."""
        status = "recvonly" if muted else "sendrecv"
        return self.command(_MUTE.replace("{who}", who).replace("{status}", status))

    def remove(self, who: str) -> str:
        """Remove somebody."""
        return self.command(_REMOVE.replace("{who}", who))

    def add_media(self, endpoint: str) -> str:
        """Ask for media under that endpoint id."""
        body = ADD_USER.format(focus=self.focus, me=self.me, role="attendee")
        body = body.replace("<addUser>", f'<addUser mcuUri="{self.media}">')
        body = re.sub(r"\{1+-[1-]*\}", endpoint, body)
        return self.ask("INFO", headers=C3P, body=body)

    def open_media(self, granted: str, offer: str) -> str:
        """Bring a browser's offer to the room with the token of what was granted; the room's SDP."""
        headers = f"Conference-Token: {token_in(granted)}\nContent-Type: application/sdp"
        body = offer.replace("\r\n", "\n")
        answered = self.final(request("INVITE", self.media, self.me, headers=headers, body=body))
        assert status_of(answered) == 200, answered
        self.line.send(later("ACK", answered, cseq=1))
        self._media_up = answered
        return answered.partition("\r\n\r\n")[2]

    def close_media(self) -> None:
        """End what `open_media` began; the seat stays."""
        assert status_of(self.final(later("BYE", self._media_up))) == 200

    def watch(self) -> int:
        """Subscribe to the roster; the answer's status."""
        message = request("SUBSCRIBE", self.focus, self.me, headers="Event: conference")
        return status_of(self.final(message))

    def next_of(self, method: str) -> str:
        """The next request of that method, answered with 200 like all that come before it."""
        while True:
            while self._heard:
                if (received := self._heard.pop(0)).startswith(f"{method} "):
                    return received
            if not (received := self.line.receive()).startswith("SIP/2.0 "):
                self._take(received)

    def hears_of(self, *words: str) -> str:
        """The next NOTIFY that says all that."""
        while True:
            notify = self.next_of("NOTIFY")
            if all(word in notify for word in words):
                return notify

    def _take(self, received: str) -> None:
        self._heard.append(received)
        self.line.send(answer(received, 200))


def c3p(focus: str, sender: str, command: str) -> str:
    """A C3P request; `{focus}` in the command is filled in."""
    command = command.replace("{focus}", focus)
    return _REQUEST.format(focus=focus, me=sender, command=command)


def token_in(granted: str) -> str:
    """The token for media in a focus's answer."""
    return entry_in(granted, "token")


def entry_in(granted: str, key: str) -> str:
    """What a focus's answer says of where and with what to join the media, such as "relay-username"."""
    assert status_of(granted) == 200, granted
    found = re.search(rf"key>{key}</[a-z:]*key><[a-z:]*value>([^<]+)<", granted)
    assert found, granted
    return found[1]
