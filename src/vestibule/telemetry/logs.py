"""Structured logs: for people on a terminal, JSON lines elsewhere (ATTACKS 66).

Whatever comes from outside is written so that it can neither begin a line of its own nor turn the
reading direction, and secrets are never written. That holds for libraries' own log lines too.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from vestibule.telemetry.redaction import HIDDEN, marked_lines, redacted, sounds_secret, visible


def configure_logs(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set logs up for this process. `json` None: JSON unless standard error is a terminal."""
    for_machines = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if for_machines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            clean,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(max(level, logging.WARNING))  # libraries speak up only when something is wrong


def clean(logger: object, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Hide secrets, and show control and direction characters as escapes."""
    cleaned: dict[str, Any] = {}
    for name, value in event.items():
        if name == "exception":
            cleaned[name] = marked_lines(redacted(value))
        else:
            cleaned[visible(name)] = HIDDEN if sounds_secret(name) else visible(redacted(value))
    return cleaned


class _FromLibraries(logging.Handler):
    """Takes what libraries log by the standard module the same way as our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger().bind(logger=record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)
