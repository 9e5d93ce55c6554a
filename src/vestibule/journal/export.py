"""The journal for other eyes: JSON lines, syslog (RFC 5424), and lines for people."""

import json
from datetime import UTC, datetime
from typing import Any

from vestibule.journal.entry import FIELDS
from vestibule.journal.kinds import Outcome
from vestibule.journal.note import Detail
from vestibule.journal.reading import StoredEntry

SD_ID = "journal@32473"
"""Name of our structured data; 32473 is the enterprise number for documentation (RFC 5612)."""

_FACILITY_AUDIT = 13
_SEVERITY = {Outcome.DONE.value: 5, Outcome.REFUSED.value: 4}  # notice, warning
_FOR_MACHINES = frozenset({Detail.HEAD.value, Detail.KEY_ID.value, Detail.SIGNATURE.value})
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})


def as_json_line(stored: StoredEntry) -> str:
    """One entry as a JSON object on one line, ASCII only: every field that is hashed, and the hash."""
    entry = stored.entry
    said: dict[str, Any] = {name: getattr(entry, name) for name in FIELDS}
    said["time"] = time_text(entry.time)
    said["details"] = json.loads(entry.details)
    return json.dumps({**said, "hash": stored.hash}, ensure_ascii=True)


def as_syslog(stored: StoredEntry, host: str) -> str:
    """One entry as a syslog message (RFC 5424 section 6), without the framing of a transport."""
    entry = stored.entry
    priority = _FACILITY_AUDIT * 8 + _SEVERITY.get(entry.outcome, 4)
    values = {
        "sequence": str(entry.sequence),
        "outcome": entry.outcome,
        "tenant": entry.tenant,
        "actor": entry.actor,
        "subject": entry.subject,
        "address": entry.address,
        "mechanism": entry.mechanism,
        **{f"detail.{name}": value for name, value in json.loads(entry.details).items()},
        "previous": entry.previous,
        "hash": stored.hash,
    }
    data = "".join(
        f' {name}="{value.translate(_ESCAPED)}"' for name, value in values.items() if value
    )
    head = f"<{priority}>1 {time_text(entry.time)} {host} vestibule - {entry.kind}"
    return f"{head} [{SD_ID}{data}] {entry.kind} {entry.outcome}"


def as_line(stored: StoredEntry) -> str:
    """One entry for people: when, what, who to whom, from where, how, and what else."""
    entry = stored.entry
    when = datetime.fromtimestamp(entry.time / 1_000_000, UTC)
    parts = [f"{when:%Y-%m-%d %H:%M:%S}Z", f"{entry.sequence:>6}", f"{entry.kind:<24}"]
    if entry.outcome == Outcome.REFUSED and not entry.kind.endswith("refused"):
        parts.append("refused")
    parts.append(entry.actor or "-")
    if entry.subject and entry.subject != entry.actor:
        parts.append(f"-> {entry.subject}")
    if entry.address:
        parts.append(f"from {entry.address}")
    if entry.mechanism:
        parts.append(f"by {entry.mechanism}")
    for name, value in json.loads(entry.details).items():
        if name in _FOR_MACHINES:
            continue
        parts.append(f"{name}={json.dumps(value) if ' ' in value else value}")
    return " ".join(parts)


def time_text(microseconds: int) -> str:
    """A time as RFC 3339 has it, in UTC, with all six digits: it can be turned back."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06}Z"
