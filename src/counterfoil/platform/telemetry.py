"""What operators see of a running process: log lines and metrics.

Privacy     A log line carries identifiers, never personal data; values under names that sound
            like secrets or personal data are cut out before a line is written, as a last net.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Self, TextIO

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The process's metrics; an entry point makes one and hands it on."""

    registry: CollectorRegistry
    #: Commands answered, by kind and by result: `accepted`, `replayed` or the refusal's code.
    commands: Counter
    #: Commands in one batch.
    batch_commands: Histogram
    #: Seconds from taking a batch to its commit.
    batch_seconds: Histogram
    #: Commands that wait in this process or are under way.
    commands_waiting: Gauge
    #: Events that a consumer of the outbox has not read yet, counted up to a bound.
    outbox_waiting: Gauge
    #: Seconds since the oldest of them was written.
    outbox_lag_seconds: Gauge
    #: Requests answered, by method, route and status.
    http_requests: Counter
    #: Seconds to answer a request, by route.
    http_seconds: Histogram
    #: Leaves of the evidence log by how far they have come: staged, numbered, signed, witnessed.
    log_leaves: Gauge
    #: Seconds that the oldest staged leaf has waited.
    log_staged_seconds: Gauge
    #: Seconds between witnesses' times under the last head.
    log_clock_spread_seconds: Gauge
    #: Seconds since each witness last signed, by its own clock.
    log_witness_seconds: Gauge
    #: What a look at the log found wrong.
    log_findings: Gauge
    #: Rules that an action cap holds back, by the policy's purpose; its whole counts as one.
    policy_tripped: Gauge

    #: Reviews by a person that are open, and those of them beyond their deadline.
    reviews_waiting: Gauge
    #: Emergency access by what happened: begun, justified, not_justified.
    emergencies: Counter
    #: Sealed records that this process could not open.
    ciphertexts_rejected: Gauge
    #: Policy versions whose decisions were overturned too often.
    policies_looked_at: Gauge
    #: Seconds until a rail answered, by rail.
    rail_seconds: Histogram
    #: Answers of rails, by rail, act and answer.
    rail_answers: Counter
    #: Payments that wait for a rail, by the rail they are meant for.
    rail_queue: Gauge
    #: Seconds since the oldest of them was ordered.
    rail_queue_seconds: Gauge

    @classmethod
    def create(cls) -> Self:
        """Return fresh metrics in a registry of their own."""
        registry = CollectorRegistry()
        return cls(
            registry=registry,
            commands=Counter(
                "counterfoil_commands", "Commands answered.", ["kind", "result"], registry=registry
            ),
            batch_commands=Histogram(
                "counterfoil_batch_commands",
                "Commands in one batch.",
                buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
                registry=registry,
            ),
            batch_seconds=Histogram(
                "counterfoil_batch_seconds",
                "Seconds from taking a batch to its commit.",
                buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
                registry=registry,
            ),
            commands_waiting=Gauge(
                "counterfoil_commands_waiting",
                "Commands that wait in this process or are under way.",
                registry=registry,
            ),
            outbox_waiting=Gauge(
                "counterfoil_outbox_events_waiting",
                "Events that a consumer has not read yet.",
                ["consumer"],
                registry=registry,
            ),
            outbox_lag_seconds=Gauge(
                "counterfoil_outbox_lag_seconds",
                "Seconds since the oldest event that a consumer has not read was written.",
                ["consumer"],
                registry=registry,
            ),
            http_requests=Counter(
                "counterfoil_http_requests",
                "Requests answered.",
                ["method", "route", "status"],
                registry=registry,
            ),
            http_seconds=Histogram(
                "counterfoil_http_seconds",
                "Seconds to answer a request.",
                ["route"],
                registry=registry,
            ),
            log_leaves=Gauge(
                "counterfoil_log_leaves", "Leaves of the log.", ["state"], registry=registry
            ),
            log_staged_seconds=Gauge(
                "counterfoil_log_staged_seconds",
                "Seconds that the oldest staged leaf has waited.",
                registry=registry,
            ),
            log_clock_spread_seconds=Gauge(
                "counterfoil_log_clock_spread_seconds",
                "Seconds between witnesses' times under the last head.",
                registry=registry,
            ),
            log_witness_seconds=Gauge(
                "counterfoil_log_witness_seconds",
                "Seconds since a witness last signed.",
                ["witness"],
                registry=registry,
            ),
            log_findings=Gauge(
                "counterfoil_log_findings", "What is wrong with the log.", registry=registry
            ),
            policy_tripped=Gauge(
                "counterfoil_policy_tripped",
                "Rules whose declines an action cap sends to people.",
                ["purpose"],
                registry=registry,
            ),
            emergencies=Counter(
                "counterfoil_emergencies",
                "Emergency access begun, and what reviews found of it.",
                ["act"],
                registry=registry,
            ),
            ciphertexts_rejected=Gauge(
                "counterfoil_ciphertexts_rejected",
                "Sealed records that did not open.",
                registry=registry,
            ),
            reviews_waiting=Gauge(
                "counterfoil_reviews",
                "Reviews by a person that are open or overdue.",
                ["state"],
                registry=registry,
            ),
            policies_looked_at=Gauge(
                "counterfoil_policies_overturned",
                "Policy versions whose decisions were overturned too often.",
                registry=registry,
            ),
            rail_seconds=Histogram(
                "counterfoil_rail_seconds",
                "Seconds until a rail answered.",
                ["rail"],
                buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
                registry=registry,
            ),
            rail_answers=Counter(
                "counterfoil_rail_answers",
                "Answers of rails.",
                ["rail", "act", "answer"],
                registry=registry,
            ),
            rail_queue=Gauge(
                "counterfoil_rail_payments_waiting",
                "Payments that wait for a rail.",
                ["rail"],
                registry=registry,
            ),
            rail_queue_seconds=Gauge(
                "counterfoil_rail_payments_waiting_seconds",
                "Seconds since the oldest payment that waits for a rail was ordered.",
                ["rail"],
                registry=registry,
            ),
        )

    def exposition(self) -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, with their media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
