"""The evidence log: its head, who stands for it, what waits, alarms, and what it holds of late.

Instants    By the machine's clock and the witnesses' own, not by the business date: evidence is
            never on a simulated day.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.desk import LENDER_ZONE
from counterfoil.console.page import Page
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.visit import Visit
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_files import POLICY, LogFiles
from counterfoil.evidence.monitor import QUEUE_SECONDS_MAX
from counterfoil.journeys.proving.publish_log import directory_of
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status, Tile

#: Days of the table of types, today with them.
DAYS_SHOWN: Final = 7
#: Leaves that the table counts at most: it is read at every visit.
LEAVES_COUNTED_MAX: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm that nobody has cleared."""

    title: str
    facts: str
    what_to_do: str
    command: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRow:
    """One witness and the last witnessed head."""

    name: str
    cosigned_at: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """How many leaves of a type the last days brought."""

    name: str
    counts: Sequence[str]
    total: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesView:
    """Leaves by type and day."""

    days: Sequence[str]
    rows: Sequence[TypeRow]
    totals: Sequence[str]
    #: Says that only the newest leaves were counted; empty where all of the days were.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """The log."""

    #: Empty before the log was begun.
    origin: str
    alarms: Sequence[AlarmView]
    tiles: Sequence[Tile]
    facts: Sequence[tuple[str, str]]
    #: Base64; empty before the first witnessed head.
    root: str
    witnesses: Sequence[WitnessRow]
    quorum: str
    types: TypesView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """What was read."""

    log: Row
    head: Row | None
    cosignatures: Mapping[str, int]
    alarms: Sequence[Row]
    types: Sequence[Row]
    #: None where witnesses were not named yet, or the file cannot be read.
    policy: Policy | None
    now: datetime


async def show(visit: Visit) -> Response:
    """Show the log."""
    found = await _read(visit)
    log, head = found.log, found.head
    view = EvidenceView(
        origin=log["origin"] or "",
        alarms=[_alarm(visit, row) for row in found.alarms],
        tiles=_tiles(visit, found),
        facts=_facts(visit, log, head),
        root="" if head is None else head["root"],
        witnesses=_witnesses(visit, found),
        quorum=_quorum(visit, found),
        types=_types(visit, found),
    )
    return visit.page(
        "evidence/log.html",
        visit.t("nav.evidence"),
        view,
        journey="console.reading.log",
        api_call="GET /v1/log",
        cli_call="counterfoil log status --json\ncounterfoil log monitor --json",
    )


async def _read(visit: Visit) -> _Log:
    now = visit.desk.house.wall.now()
    first_day = now.astimezone(LENDER_ZONE).date() - timedelta(days=DAYS_SHOWN - 1)
    since = datetime.combine(first_day, datetime.min.time(), LENDER_ZONE)
    async with visit.reading() as connection:
        log = await READING.log.fetchrow(connection)
        assert log is not None, "a head without a log is still one row"
        head = await READING.last_witnessed.fetchrow(connection)
        lines = await READING.cosignatures.fetch(connection, size=head["size"] if head else 0)
        alarms = await READING.log_alarms.fetch(connection, page=PART_ROWS)
        types = await READING.leaves_by_day.fetch(
            connection,
            zone=LENDER_ZONE.key,
            since=int(since.timestamp()),
            bound=LEAVES_COUNTED_MAX,
        )
    return _Log(
        log=log,
        head=head,
        cosignatures={row["witness"]: row["cosigned"] for row in lines},
        alarms=alarms,
        types=types,
        policy=await asyncio.to_thread(_policy, visit),
        now=now,
    )


def _policy(visit: Visit) -> Policy | None:
    text = LogFiles(directory_of(visit.desk.house.settings)).read(POLICY)
    try:
        return None if text is None else Policy.parse(text)
    except RejectedError:
        return None


def _alarm(visit: Visit, row: Row) -> AlarmView:
    code, witness = row["code"], row["witness"]
    key = f"alarm_step.{code}"
    facts = (
        witness,
        row["detail"],
        visit.t("evidence.raised", at=visit.formats.instant(row["raised_at"])),
        visit.t("evidence.stops") if row["stops"] else visit.t("evidence.goes_on"),
    )
    option = f" --witness {witness}" if witness else ""
    return AlarmView(
        title=words.code_label(visit, "alarm", code),
        facts=" · ".join(text for text in facts if text),
        what_to_do=visit.t(key) if visit.catalogue.has(key) else visit.t("evidence.look"),
        command=f"counterfoil log clear {code}{option}",
        tone="bad" if row["stops"] else "warn",
    )


def _tiles(visit: Visit, found: _Log) -> list[Tile]:
    f, log, head = visit.formats, found.log, found.head
    waited = "" if log["oldest"] is None else _age(visit, _waited(found))
    is_late = log["oldest"] is not None and _waited(found) > QUEUE_SECONDS_MAX
    named = found.policy.witnesses if found.policy else found.cosignatures
    figures = (
        ("witnessed", f.count(head["size"] if head else 0),
         visit.t("evidence.at", at=f.instant(head["witnessed_at"])) if head else ""),
        ("cosigned", f"{len(found.cosignatures)} / {len(named)}", ""),
        ("waiting", f.count(log["leaves"]),
         visit.t("evidence.late" if is_late else "evidence.oldest", age=waited) if waited else ""),
        ("alarms", f.count(len(found.alarms)), ""),
    )  # fmt: skip
    return [
        Tile(
            name=f"evidence-{name}",
            label=visit.t(f"evidence.{name}"),
            number=number,
            unit="",
            exact=exact,
            definition=visit.t(f"evidence.{name}_definition"),
        )
        for name, number, exact in figures
    ]


def _waited(found: _Log) -> int:
    """Return how many seconds the oldest staged leaf has waited."""
    oldest: int = found.log["oldest"]
    return max(0, int(found.now.timestamp()) - oldest)


def _age(visit: Visit, seconds: int) -> str:
    """Return a time in its largest whole unit."""
    for name, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size:
            return visit.t(f"evidence.{name}", count=visit.formats.count(seconds // size))
    return visit.t("evidence.seconds", count=visit.formats.count(seconds))


def _facts(visit: Visit, log: Row, head: Row | None) -> list[tuple[str, str]]:
    f, t = visit.formats, visit.t
    return [
        (t("evidence.origin"), log["origin"] or "—"),
        (t("evidence.begun"), f.instant(log["created_at"])),
        (t("evidence.size"), f.count(log["size"] or 0)),
        (t("evidence.signed"), f.count(log["signed_size"] or 0)),
        (t("evidence.witnessed"), f.count(head["size"] if head else 0)),
        (t("evidence.witnessed_at"), f.instant(head["witnessed_at"] if head else None,
                                               seconds=True)),
    ]  # fmt: skip


def _witnesses(visit: Visit, found: _Log) -> list[WitnessRow]:
    """Return those that cosigned in their order, then those of the policy that did not yet."""
    missing = [name for name in found.policy.witnesses if name not in found.cosignatures] \
        if found.policy else []  # fmt: skip
    done = Status(label=visit.t("evidence.has_cosigned"), tone="good")
    open_ = Status(label=visit.t("evidence.not_cosigned"), tone="warn")
    return [
        *(
            WitnessRow(
                name=name,
                cosigned_at=visit.formats.instant(datetime.fromtimestamp(at, UTC), seconds=True),
                status=done,
            )
            for name, at in found.cosignatures.items()
        ),
        *(WitnessRow(name=name, cosigned_at="—", status=open_) for name in missing),
    ]


def _quorum(visit: Visit, found: _Log) -> str:
    if found.head is None:
        return ""
    if found.policy is None:
        return visit.t("evidence.policy_missing")
    is_met = found.policy.is_met_by(frozenset(found.cosignatures))
    return visit.t("evidence.quorum_met" if is_met else "evidence.quorum_not_met")


def _types(visit: Visit, found: _Log) -> TypesView:
    f = visit.formats
    last = found.now.astimezone(LENDER_ZONE).date()
    days = [last - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
    counts: dict[int, dict[date, int]] = {}
    for row in found.types:
        counts.setdefault(row["leaf_type"], {})[row["day"]] = row["leaves"]
    counted = sum(sum(of_type.values()) for of_type in counts.values())
    by_day = [sum(of_type.get(day, 0) for of_type in counts.values()) for day in days]
    is_cut = counted >= LEAVES_COUNTED_MAX
    return TypesView(
        days=[f.day(day)[5:] for day in days],
        rows=[
            TypeRow(
                name=leaf_name(visit, kind),
                counts=[f.count(of_type.get(day)) for day in days],
                total=f.count(sum(of_type.get(day, 0) for day in days)),
            )
            for kind, of_type in sorted(counts.items())
        ],
        totals=[f.count(count) for count in (*by_day, sum(by_day))],
        note=visit.t("evidence.cut", count=f.count(LEAVES_COUNTED_MAX)) if is_cut else "",
    )


def leaf_name(visit: Visit, kind: int) -> str:
    """Return what a type of leaf is about."""
    known = {member.value: member.name.lower() for member in LeafType}
    return words.code_label(visit, "leaf_type", known.get(kind, str(kind)))


PAGES: Final = (Page(path="/evidence", show=show, permission=Permission.READ_EVIDENCE),)
