"""OAuth requests and answers as plain values, in the form that Authlib's server works on."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request

from vestibule.identity.access_gate import NOWHERE, Connection
from vestibule.identity.provider.records import Session

_PRINTABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")  # RFC 6749 section 4.1.2.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_CHARACTERS = 4096
_ECHOED = ("client_id", "redirect_uri", "response_type", "grant_type", "scope")

Parameters = Sequence[tuple[str, str]]


class _Payload(OAuth2Payload):
    def __init__(self, parameters: Parameters) -> None:
        self._data = dict(parameters)
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in parameters:
            self._datalist[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._datalist


class OAuthRequest(OAuth2Request):
    """One request to the provider. `session` is the browser's sign-in, if it has one, `connection`
    what it came by, `key` the thumbprint of the key whose possession it proves (RFC 9449), or empty.

    Raises InvalidRequestError if a parameter comes twice (RFC 6749 section 3.1), is endless, or has
    control characters, or if one that error texts repeat has characters that those may not have.
    """

    def __init__(
        self,
        method: str,
        uri: str,
        parameters: Parameters,
        headers: Mapping[str, str] | None = None,
        session: Session | None = None,
        connection: Connection = NOWHERE,
        key: str = "",
    ) -> None:
        super().__init__(method, uri, headers=dict(headers or {}))
        self.payload = _Payload(parameters)
        self.session = session
        self.connection = connection
        self.key = key
        for name, values in self.payload.datalist.items():
            if len(values) > 1:
                raise InvalidRequestError("A parameter is given more than once.")
            if len(values[0]) > _MOST_CHARACTERS or _CONTROL.search(values[0]):
                raise InvalidRequestError("A parameter is too long or has control characters.")
            if name in _ECHOED and not _PRINTABLE.fullmatch(values[0]):
                raise InvalidRequestError(f"Invalid characters in '{name}'.")

    @property
    def args(self) -> dict[str, str]:
        """The parameters, whichever way they came."""
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a POST; the token endpoint reads no others (RFC 6749 section 3.2)."""
        return self.payload.data if self.method == "POST" else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: a JSON body, or nothing but a `Location` among the headers."""

    status: int
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        """Where a redirect leads; None if it isn't one."""
        return self.headers.get("Location")
