"""What operators count of a running process, as Prometheus reads it."""

from dataclasses import dataclass, field, fields
from typing import Any, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


def _metric(
    name: str, text: str, *, labels: tuple[str, ...] = (), buckets: tuple[float, ...] = ()
) -> dict[str, Any]:
    """Declare a metric of the kind that its field has; `buckets` are a histogram's."""
    more = {"buckets": buckets} if buckets else {}
    return {"name": name, "documentation": text, "labelnames": labels, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The process's metrics; an entry point makes one and hands it on."""

    registry: CollectorRegistry
    #: Commands answered, by kind and by result: `accepted`, `replayed` or the refusal's code.
    commands: Counter = field(
        metadata=_metric("counterfoil_commands", "Commands answered.", labels=("kind", "result"))
    )
    #: Commands in one batch.
    batch_commands: Histogram = field(
        metadata=_metric(
            "counterfoil_batch_commands",
            "Commands in one batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
        )
    )
    #: Seconds from taking a batch to its commit.
    batch_seconds: Histogram = field(
        metadata=_metric(
            "counterfoil_batch_seconds",
            "Seconds from taking a batch to its commit.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
        )
    )
    #: Commands that wait in this process or are under way.
    commands_waiting: Gauge = field(
        metadata=_metric(
            "counterfoil_commands_waiting", "Commands that wait in this process or are under way."
        )
    )
    #: Events that a consumer of the outbox has not read yet, counted up to a bound.
    outbox_waiting: Gauge = field(
        metadata=_metric(
            "counterfoil_outbox_events_waiting",
            "Events that a consumer has not read yet.",
            labels=("consumer",),
        )
    )
    #: Seconds since the oldest of them was written.
    outbox_lag_seconds: Gauge = field(
        metadata=_metric(
            "counterfoil_outbox_lag_seconds",
            "Seconds since the oldest event that a consumer has not read was written.",
            labels=("consumer",),
        )
    )
    #: Requests answered, by method, route and status.
    http_requests: Counter = field(
        metadata=_metric(
            "counterfoil_http_requests", "Requests answered.", labels=("method", "route", "status")
        )
    )
    #: Seconds to answer a request, by route.
    http_seconds: Histogram = field(
        metadata=_metric(
            "counterfoil_http_seconds", "Seconds to answer a request.", labels=("route",)
        )
    )
    #: Leaves of the evidence log by how far they have come: staged, numbered, signed, witnessed.
    log_leaves: Gauge = field(
        metadata=_metric("counterfoil_log_leaves", "Leaves of the log.", labels=("state",))
    )
    #: Seconds that the oldest staged leaf has waited.
    log_staged_seconds: Gauge = field(
        metadata=_metric(
            "counterfoil_log_staged_seconds", "Seconds that the oldest staged leaf has waited."
        )
    )
    #: Seconds between witnesses' times under the last head.
    log_clock_spread_seconds: Gauge = field(
        metadata=_metric(
            "counterfoil_log_clock_spread_seconds",
            "Seconds between witnesses' times under the last head.",
        )
    )
    #: Seconds since each witness last signed, by its own clock.
    log_witness_seconds: Gauge = field(
        metadata=_metric(
            "counterfoil_log_witness_seconds",
            "Seconds since a witness last signed.",
            labels=("witness",),
        )
    )
    #: What a look at the log found wrong.
    log_findings: Gauge = field(
        metadata=_metric("counterfoil_log_findings", "What is wrong with the log.")
    )
    #: Rules that an action cap holds back, by the policy's purpose; its whole counts as one.
    policy_tripped: Gauge = field(
        metadata=_metric(
            "counterfoil_policy_tripped",
            "Rules whose declines an action cap sends to people.",
            labels=("purpose",),
        )
    )
    #: Emergency access by what happened: begun, justified, not_justified.
    emergencies: Counter = field(
        metadata=_metric(
            "counterfoil_emergencies",
            "Emergency access begun, and what reviews found of it.",
            labels=("act",),
        )
    )
    #: Sealed records that this process could not open.
    ciphertexts_rejected: Gauge = field(
        metadata=_metric("counterfoil_ciphertexts_rejected", "Sealed records that did not open.")
    )
    #: Reviews by a person that are open, and those of them beyond their deadline.
    reviews_waiting: Gauge = field(
        metadata=_metric(
            "counterfoil_reviews",
            "Reviews by a person that are open or overdue.",
            labels=("state",),
        )
    )
    #: Policy versions whose decisions were overturned too often.
    policies_looked_at: Gauge = field(
        metadata=_metric(
            "counterfoil_policies_overturned",
            "Policy versions whose decisions were overturned too often.",
        )
    )
    #: Validations and approvals of models in use that have ended.
    models_expired: Gauge = field(
        metadata=_metric(
            "counterfoil_models_expired",
            "Validations and approvals of models in use that have ended.",
        )
    )
    #: Seconds until a rail answered, by rail.
    rail_seconds: Histogram = field(
        metadata=_metric(
            "counterfoil_rail_seconds",
            "Seconds until a rail answered.",
            labels=("rail",),
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
        )
    )
    #: Answers of rails, by rail, act and answer.
    rail_answers: Counter = field(
        metadata=_metric(
            "counterfoil_rail_answers", "Answers of rails.", labels=("rail", "act", "answer")
        )
    )
    #: Payments that wait for a rail, by the rail they are meant for.
    rail_queue: Gauge = field(
        metadata=_metric(
            "counterfoil_rail_payments_waiting", "Payments that wait for a rail.", labels=("rail",)
        )
    )
    #: Seconds since the oldest of them was ordered.
    rail_queue_seconds: Gauge = field(
        metadata=_metric(
            "counterfoil_rail_payments_waiting_seconds",
            "Seconds since the oldest payment that waits for a rail was ordered.",
            labels=("rail",),
        )
    )

    @classmethod
    def create(cls) -> Self:
        """Return fresh metrics in a registry of their own."""
        registry = CollectorRegistry()
        made: dict[str, Any] = {}
        for item in fields(cls):
            if item.metadata:
                kind: Any = item.type
                made[item.name] = kind(**item.metadata, registry=registry)
        return cls(registry=registry, **made)

    def exposition(self) -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, with their media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
