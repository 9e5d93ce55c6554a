"""Temporary GRUUs (RFC 5627 section 3.1.2): addresses of one device that don't tell whose it is.

The user part holds address of record and device, sealed under a key of this process, so nothing has to
be remembered; like a registration it is lost with the process. No two are alike, and only we can tell
that two belong together. It leads somewhere while the device is registered.
"""

from vestibule.identity.sealed_text import SealedText

_PREFIX = "tgruu."
_BETWEEN = b"\0"


class TemporaryGruus:
    """Makes and reads them."""

    def __init__(self) -> None:
        self._sealed = SealedText()

    def make(self, aor: str, instance: str) -> str:
        """One more address of a person's device."""
        text = aor.encode() + _BETWEEN + instance.encode()
        domain = aor.rpartition("@")[2]
        return f"sip:{_PREFIX}{self._sealed.seal(text)}@{domain};gr"

    def read(self, user: str | None) -> tuple[str, str] | None:
        """Address of record and device of a URI's user part; None if it is no temporary GRUU of ours."""
        if user is None or not user.startswith(_PREFIX):
            return None
        plain = self._sealed.open(user.removeprefix(_PREFIX))
        if plain is None:
            return None
        aor, _, instance = plain.partition(_BETWEEN)
        return aor.decode(), instance.decode()
