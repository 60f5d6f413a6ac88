"""What operators see of a running process: its log lines.

Privacy     A log line carries identifiers, never personal data; values under names that sound
            like secrets or personal data are cut out before a line is written, as a last net.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from counterfoil.platform.settings import LogFormat, LogLevel

#: The request, job or command line run that the present code works for; empty outside of one.
request_id: ContextVar[str] = ContextVar("request_id", default="")

REDACTED: Final = "[redacted]"
_SECRET_NAME: Final = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key$|credential|private|_key$"
    r"|id_number|phone|payee_account|database_url",
    re.IGNORECASE,
)
#: Names that match and are harmless: they say which, not what.
_HARMLESS_NAMES: Final = frozenset({"idempotency_key", "payee_token"})
_SECRET_VALUE: Final = re.compile(r"cfk_[0-9A-Za-z]{10,}|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
#: Nesting deeper than this is not looked into, and not written either.
DEPTH_MAX: Final = 6


def configure_logging(level: LogLevel, form: LogFormat, *, to: TextIO | None = None) -> None:
    """Send all log lines of the process, libraries' too, to one stream (standard error)."""
    stream = sys.stderr if to is None else to
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_json)
        if form is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.value),
        logger_factory=structlog.PrintLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.value.upper(), force=True)
    # Tells of every request it makes; who makes them tells of those that matter.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def logger(name: str) -> FilteringBoundLogger:
    """Return a logger; `log.info("batch committed", commands=12)` is how a line is written."""
    found: FilteringBoundLogger = structlog.get_logger(component=name)
    return found


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut secrets and personal data out of a line, by field names and by what keys look like."""
    return {name: _redacted(name, value, DEPTH_MAX) for name, value in event.items()}


def _redacted(name: str, value: object, depth: int) -> object:
    if _SECRET_NAME.search(name) and name not in _HARMLESS_NAMES:
        return REDACTED
    if isinstance(value, str):
        return _SECRET_VALUE.sub(REDACTED, value)
    if isinstance(value, Mapping):
        if depth == 0:
            return REDACTED
        return {key: _redacted(str(key), inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_redacted("", inner, depth - 1) for inner in value] if depth else REDACTED
    return value


def _add_request_id(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


def _json(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
