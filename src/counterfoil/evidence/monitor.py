"""Watching the log: what its witnesses show, how long leaves wait, whose clock is off.

Findings    `queue_old` leaves wait longer than they should; `witness_absent` no head of a witness;
            `witness_behind` its head is older than the one that is served; `witness_faulty` what it
            shows is not believed; `witness_ahead` and `fork` what it shows is not this log;
            `clock_spread` witnesses' times of one head lie further apart than verifiers accept;
            `alarm` an alarm stands.
Follows     C2SP tlog-witness v1.0.0, monitoring.
"""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.verifying import SPREAD_SECONDS_MAX
from counterfoil.evidence.log_store import Connection
from counterfoil.evidence.publisher import Desk, fault_of
from counterfoil.evidence.witness_client import Absent, Faulty, Nothing, Shown, View

#: Beyond it the oldest staged leaf is news: ten heads were missed.
QUEUE_SECONDS_MAX: Final = 10
#: Beyond it a witness whose head is older than the served one is behind.
BEHIND_SECONDS_MAX: Final = 60
#: Staged leaves are counted up to here.
QUEUE_COUNT_MAX: Final = 1_000_000


class Finding(NamedTuple):
    """Something that is not as it should be."""

    code: str
    #: Name of a witness; empty where it is about the log.
    witness: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSeen:
    """One witness as it shows itself."""

    name: str
    #: Size of its last head; None where it shows none.
    size: int | None
    #: POSIX seconds by its clock.
    cosigned: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The log at an instant."""

    #: POSIX seconds.
    at: int
    staged: int
    #: Seconds that the oldest staged leaf has waited; None where nothing is staged.
    staged_seconds: int | None
    size: int
    signed_size: int
    witnessed_size: int
    #: Seconds between the first and the last cosignature of the last witnessed head.
    clock_spread_seconds: int
    witnesses: tuple[WitnessSeen, ...]
    findings: tuple[Finding, ...]

    def document(self) -> dict[str, Any]:
        """Return the observation as programs read it."""
        shape = asdict(self)
        shape["findings"] = [finding._asdict() for finding in self.findings]
        return {"ok": not self.findings, **shape}


async def observe(connection: Connection, desk: Desk | None, *, now: int) -> Observation:
    """Look at the database, and at the witnesses where there is a desk."""
    queue = await store.read_queue(connection, bound=QUEUE_COUNT_MAX)
    head = await store.last_head(connection)
    signed = await store.last_note(connection)
    witnessed = await store.last_witnessed(connection)
    size = 0 if witnessed is None else witnessed.size
    lines = await store.cosignatures_of(connection, size)
    times = [line.cosigned for line in lines]
    spread = max(times) - min(times) if times else 0
    waited = None if queue.oldest is None else max(0, now - queue.oldest)
    findings = await _own(connection, waited, spread)
    witnesses: list[WitnessSeen] = []
    if desk is not None:
        views = await asyncio.gather(*(client.head() for client in desk.witnesses))
        for client, view in zip(desk.witnesses, views, strict=True):
            witnesses.append(_seen(client.name, view))
            findings += await _about(connection, client.name, view, size, now)
    return Observation(
        at=now,
        staged=queue.leaves,
        staged_seconds=waited,
        size=0 if head is None else head.size,
        signed_size=0 if signed is None else signed.size,
        witnessed_size=size,
        clock_spread_seconds=spread,
        witnesses=tuple(witnesses),
        findings=tuple(findings),
    )


async def _own(connection: Connection, waited: int | None, spread: int) -> list[Finding]:
    findings = [
        Finding("alarm", alarm.witness, f"{alarm.code}: {alarm.detail}")
        for alarm in await store.standing_alarms(connection)
    ]
    if waited is not None and waited > QUEUE_SECONDS_MAX:
        findings.append(Finding("queue_old", "", f"the oldest leaf has waited {waited} s"))
    if spread > SPREAD_SECONDS_MAX:
        findings.append(Finding("clock_spread", "", f"{spread} s between witnesses' times"))
    return findings


async def _about(
    connection: Connection, name: str, view: View, witnessed_size: int, now: int
) -> list[Finding]:
    match view:
        case Shown():
            fault = await fault_of(connection, view.checkpoint)
            if fault is not None:
                return [Finding(fault[0], name, fault[1])]
            age = now - view.time
            if view.checkpoint.size < witnessed_size and age > BEHIND_SECONDS_MAX:
                return [Finding("witness_behind", name, f"its head is {age} s old")]
            return []
        case Nothing():
            return [Finding("witness_behind", name, "it shows no head")] if witnessed_size else []
        case Faulty(why):
            return [Finding("witness_faulty", name, why)]
        case Absent(why):
            return [Finding("witness_absent", name, why)]


def _seen(name: str, view: View) -> WitnessSeen:
    if isinstance(view, Shown):
        return WitnessSeen(name=name, size=view.checkpoint.size, cosigned=view.time)
    return WitnessSeen(name=name, size=None, cosigned=None)
