"""An anonymous guest at the SIP level: conference key in hand, and a connection of its own."""

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host
from tests.clients.sip_dialog import in_dialog
from tests.clients.sip_line import SipLine, challenge_of, digest, request, status_of

ADD_USER = """\
<request xmlns="urn:ietf:params:xml:ns:cccp" xmlns:ci="urn:ietf:params:xml:ns:conference-info" \
C3PVersion="1" to="{focus}" from="{me}" requestId="1"><addUser>\
<conferenceKeys confEntity="{focus}"/><ci:user entity="{me}"><ci:roles><ci:entry>{role}</ci:entry>\
</ci:roles><ci:endpoint entity="{{11111111-1111-1111-1111-111111111111}}"/></ci:user></addUser></request>"""


class Guest:
    """Sends requests with a digest of the conference key.

    `key`: another one than the meeting's. `meeting`: another than the demo's, as the API tells it.
    """

    def __init__(
        self,
        host: Host,
        deployment: Deployment,
        key: str | None = None,
        meeting: dict[str, Any] | None = None,
    ) -> None:
        meeting = meeting or deployment.facts["meeting"]
        self.me = f"sip:guest-{secrets.token_hex(6)}@anonymous.invalid"
        self.focus: str = meeting["focus"]
        self.media: str = self.focus.replace(":focus:", ":audio-video:")
        self._meeting_id, self._key = meeting["id"], key or meeting["conference_key"]
        self.line = SipLine(host, deployment)
        self._count = 0
        self.sent = ""
        """The newest request that was written."""
        self.challenge = ""

    def __enter__(self) -> "Guest":
        self.line.send(request("OPTIONS", self.focus, self.me))
        answer = self.line.final()
        assert status_of(answer) == 401, answer
        self.challenge = challenge_of(answer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.line.__exit__(kind, error, traceback)

    def proof(self, method: str, uri: str, *, count: int | None = None) -> str:
        """An Authorization header for one request; the nonce count rises unless it is given."""
        self._count += count is None
        return digest(
            self.challenge, method=method, uri=uri, username=self._meeting_id,
            password=self._key, count=count or self._count,
        )  # fmt: skip

    def write(self, method: str, uri: str, *, headers: str = "", body: str = "") -> str:
        """A request with its proof."""
        lines = f"{self.proof(method, uri)}\n{headers}".strip()
        self.sent = request(method, uri, self.me, headers=lines, body=body)
        return self.sent

    def later(
        self, method: str, answered: str, *, cseq: int = 2, headers: str = "", body: str = ""
    ) -> str:
        """A request with its proof in the dialog that this answer made."""
        message = self.write(method, self.focus, headers=headers, body=body)
        self.sent = in_dialog(message, answered).replace("CSeq: 1 ", f"CSeq: {cseq} ")
        return self.sent

    def knock(self, role: str = "attendee") -> str:
        """INVITE to the focus; the first answer beside 100."""
        body = ADD_USER.format(focus=self.focus, me=self.me, role=role)
        return self._knock("application/cccp+xml", body)

    def knock_by_phone(self, offer: str) -> str:
        """INVITE to the focus with a media offer, as phones do; the first answer beside 100."""
        return self._knock("application/sdp", offer)

    def _knock(self, content_type: str, body: str) -> str:
        headers = f"Content-Type: {content_type}"
        self.line.send(self.write("INVITE", self.focus, headers=headers, body=body))
        while status_of(answer := self.line.receive()) == 100:
            pass
        return answer


def device_line(host: Host, deployment: Deployment, name: str) -> SipLine:
    """A connection with a demo person's device certificate."""
    pem: Path = deployment.user(name).device_pem
    return SipLine(host, deployment, pem)
