"""Structured logs: for people on a terminal, JSON lines elsewhere (ATTACKS 66).

Whatever comes from outside is written so that it can neither begin a line of its own nor turn the reading
direction, and values under names that sound secret are never written.
"""

import logging
import sys
import unicodedata
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = (
    "password", "secret", "token", "authorization", "conference_key", "private", "cookie", "ha1",
    "verifier", "code",
)  # fmt: skip
_NOT_SECRET = frozenset({"status_code", "code_path"})
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def configure_logs(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set logs up for this process. `json` None: JSON unless standard error is a terminal."""
    for_machines = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if for_machines
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            escape,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def redact(logger: object, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Hide values whose names sound secret."""
    return {name: "[hidden]" if _sounds_secret(name) else value for name, value in event.items()}


def escape(logger: object, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Show control and direction characters as escapes, except in our own tracebacks."""
    return {
        name: visible(value) if isinstance(value, str) and name != "exception" else value
        for name, value in event.items()
    }


def visible(text: str) -> str:
    """The text with hidden characters as `\\xNN` or `\\uNNNN`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _HIDDEN else c
        for c in text
    )


def _sounds_secret(name: str) -> bool:
    lower = name.lower()
    return lower not in _NOT_SECRET and any(word in lower for word in _SECRET_NAMES)
