"""JSON with one reading: no duplicate names, no NaN, limited depth (ATTACKS 24). Ours and others' alike."""

import json
import re
from typing import Any, NoReturn

_MAX_DEPTH = 16
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)  # strings whole; linear


def parse(text: str) -> Any:
    """The value. Raises json.JSONDecodeError."""
    _check_depth(text)
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                raise json.JSONDecodeError("nested too deeply", "", token.start())
        elif token[0] in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("a number is too long")
    return int(digits)
