"""Names that people give themselves, made safe to show, log and write into XML."""

import unicodedata

_LONGEST = 64
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, direction marks, line separators


def shown_name(claimed: str, otherwise: str) -> str:
    """The claimed name without control and direction characters, at most 64 characters long.

    What is left of "" or of a name made of nothing visible is `otherwise`.
    """
    visible = "".join(c for c in claimed if unicodedata.category(c) not in _HIDDEN)
    return " ".join(visible.split())[:_LONGEST] or otherwise
