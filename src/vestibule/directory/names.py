"""Which user names, domains and display names there may be.

They stand in SIP URIs, web links, certificates and logs, so they are plain: what is refused here
needs no escaping anywhere else.
"""

import re
import unicodedata

_USER = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_EMAIL = re.compile(r"[!#-'*+./0-9=?A-Z^_`a-z{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_RESERVED_DOMAINS = frozenset({"anonymous.invalid"})
_MOST_DISPLAY_CHARACTERS = 200


class UnfitName(ValueError):
    """A name that can't be had; the message says why."""


def user_name(text: str) -> str:
    """The user part of an address, in lower case. Raises UnfitName."""
    name = text.strip().lower()
    if not _USER.fullmatch(name):
        raise UnfitName(
            f"{text!r} can't be a user name: 1 to 64 of a-z, 0-9, dot, hyphen and underscore, "
            "beginning and ending with a letter or digit"
        )
    return name


def domain_name(text: str) -> str:
    """A SIP domain, in lower case (RFC 1123 section 2.1). Raises UnfitName."""
    name = text.strip().lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UnfitName(f"{text!r} is not a domain name, such as example.org")
    if name in _RESERVED_DOMAINS:
        raise UnfitName(f"{name} is what guests call themselves and belongs to nobody")
    return name


def email_address(text: str) -> str:
    """An e-mail address as people have them: no quotes, comments or literals. Raises UnfitName."""
    if not _EMAIL.fullmatch(text):
        raise UnfitName("not an e-mail address, such as alice@example.org")
    return text


def display_name(text: str) -> str:
    """A name to show: one line without control or direction characters. Raises UnfitName."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name or len(name) > _MOST_DISPLAY_CHARACTERS:
        raise UnfitName(f"a display name has 1 to {_MOST_DISPLAY_CHARACTERS} characters")
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in name):
        raise UnfitName("a display name has no control or direction characters")
    return name
