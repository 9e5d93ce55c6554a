"""What an entry's texts may hold: no secret, nothing hidden, nothing long (ATTACKS 66)."""

import json
import re
from collections.abc import Mapping

from vestibule.journal.note import Detail
from vestibule.telemetry.redaction import redacted, visible

UNFIT = "[unfit]"
"""Stands where a detail's value had not the form that its name promises."""

NAME_LENGTH = 320
WORD_LENGTH = 64
DETAIL_LENGTH = 200
MOST_DETAILS = 8

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,47}")
_NUMBER = re.compile(r"\d{1,20}")
_HEX = re.compile(r"[0-9a-f]{1,64}")
_SETTING = re.compile(r"[A-Za-z0-9_.-]{1,48}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/=]{1,120}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{1,48}")
_ANYTHING = re.compile(r".{0,200}", re.DOTALL)

FORMS: dict[Detail, re.Pattern[str]] = {
    Detail.AFTER: _SETTING,
    Detail.BEFORE: _SETTING,
    Detail.CLIENT: _ID,
    Detail.COUNT: _NUMBER,
    Detail.DEVICE: _ID,
    Detail.DOMAINS: _ANYTHING,
    Detail.GRANT: _ID,
    Detail.HEAD: _HEX,
    Detail.KEY_ID: _HEX,
    Detail.MEETING: _ID,
    Detail.METHOD: _WORD,
    Detail.NAME: _ANYTHING,
    Detail.OF: _NUMBER,
    Detail.PROVIDER: _ID,
    Detail.REASON: _WORD,
    Detail.RECORDING: _ID,
    Detail.ROLE: _WORD,
    Detail.SECONDS: _NUMBER,
    Detail.SERIAL: _HEX,
    Detail.SETTING: _SETTING,
    Detail.SIGNATURE: _SIGNATURE,
    Detail.SOURCE: _ADDRESS,
    Detail.WHO: _WORD,
}


def plain(text: str | None, most: int) -> str | None:
    """The text without what looks secret, hidden characters as `\\xNN`, at most so many characters."""
    if text is None:
        return None
    shown: str = visible(redacted(text[: most * 2]))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def details_text(details: Mapping[Detail, str]) -> str:
    """Details as they are stored and hashed: JSON, ASCII, names in order, no spaces."""
    few = sorted(details.items())[:MOST_DETAILS]
    return canonical_json({name.value: _fitting(name, value) for name, value in few})


def canonical_json(details: Mapping[str, str]) -> str:
    """The one text that stands for these details."""
    return json.dumps(details, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _fitting(name: Detail, value: str) -> str:
    cut = value[: DETAIL_LENGTH * 2]
    if FORMS[name] is not _ANYTHING:
        return cut if FORMS[name].fullmatch(cut) else UNFIT
    return plain(cut, DETAIL_LENGTH) or ""
