"""Letting data leave: de-identified for one recipient, approved by a second person, written down.

Order       What may not leave is refused and recorded. Records are read and de-identified in
            memory, the risk is measured, then the register, the approval's use and a line of the
            trail are committed, and only then the file is handed out.
Keys        One for each recipient, one for all marks: `journeys/guarding/recipient_keys`.
Machine     Age and region are derived from identity numbers by the machine and shown to nobody.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any, Final

from counterfoil.customers.identity import age_on, birth_date_of
from counterfoil.journeys.admitting.staff_rights import note_right_use
from counterfoil.journeys.guarding.assess import require_assessment, require_living
from counterfoil.journeys.guarding.recipient_keys import made_by, mark_key, recipient_key
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix, reading
from counterfoil.platform.approvals import Value, payload_hash, require_approval
from counterfoil.platform.database import Connection
from counterfoil.privacy import export_store
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.assessment import Processing
from counterfoil.privacy.deidentify import (
    Keys,
    Known,
    Match,
    Prepared,
    Risk,
    compare_mark,
    joined,
    known_by,
    measure,
    prepare,
    without_small,
)
from counterfoil.privacy.export_plan import Dataset, load_datasets
from counterfoil.privacy.export_store import Export
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import (
    EXPORT_ASSESSMENT_MISSING,
    EXPORT_DATASET_UNKNOWN,
    EXPORT_EMPTY,
    EXPORT_GROUPS_TOO_SMALL,
    EXPORT_NOT_ALLOWED,
    EXPORT_RECIPIENT_INVALID,
    REASON_MISSING,
)
from counterfoil.privacy.vault import Purpose

APPROVAL: Final = "data_export"
_PERMISSION: Final = "export"
_RECIPIENT: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,63}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
#: A reference of this form is an assessment of ours, and looked up; others are kept as given.
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
#: The power of ten below which chance does not explain a mark.
_TRACED_LOG10: Final = -6.0
#: First digit of an administrative division (GB/T 2260) → the part of the country.
_REGIONS: Final = {
    "1": "north",
    "2": "northeast",
    "3": "east",
    "4": "central_south",
    "5": "southwest",
    "6": "northwest",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A wish to let data leave."""

    dataset: str
    recipient: str
    #: What the recipient needs it for.
    purpose: str
    #: Reference of the impact assessment.
    assessment: str
    since: date | None = None
    until: date | None = None
    #: Least number of persons in a group; never under the installation's.
    group_min: int = 0
    #: Leave out rows of smaller groups instead of refusing all.
    leaves_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file that may leave, and what was written down of it."""

    export: Export
    #: CSV, UTF-8, with a header.
    content: bytes
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a leaked sample says of where it came from."""

    #: Recipients whose key made pseudonyms of the sample → how many.
    recipients: Mapping[str, int]
    #: Exports whose digits the sample carries beyond chance, best first.
    exports: Sequence[tuple[Export, Match]]
    rows: int


def export_payload(request: ExportRequest) -> dict[str, Value]:
    """Return what a second person approves: data set, recipient, purpose, assessment and span."""
    return {
        "act": APPROVAL,
        "assessment": request.assessment,
        "dataset": request.dataset,
        "purpose": request.purpose,
        "recipient": request.recipient,
        "since": None if request.since is None else request.since.isoformat(),
        "until": None if request.until is None else request.until.isoformat(),
    }


async def export_data(house: House, actor: Actor, request: ExportRequest) -> Exported | Refused:
    """Let data leave, or refuse and record that."""
    outcome = await _export(house, actor, request)
    if isinstance(outcome, Refused):
        return await note_refusal(house, actor, _act(request), outcome)
    return outcome


async def list_exports(house: House, *, before: int | None = None, page: int = 100) -> list[Export]:
    """Return what has left, newest first."""
    beyond: dict[str, int] = {} if before is None else {"before": before}
    async with house.database.connection() as connection:
        return await export_store.list_exports(connection, page=page, **beyond)


async def trace_sample(house: House, actor: Actor, text: str) -> Trace | Refused:
    """Say whose export a sample is from; needs the header's names, in any order.

    Pseudonyms tell the recipient, the last digits of amounts the export and so whoever made it.
    """
    if _PERMISSION not in load_matrix().rights_for(actor).permissions:
        act = Act(name="export_trace")
        return await note_refusal(house, actor, act, refuse(EXPORT_NOT_ALLOWED))
    header, *rows = [row for row in csv.reader(io.StringIO(text)) if row] or [[]]
    whole = [row for row in rows if len(row) == len(header)]
    found: list[tuple[Export, Match]] = []
    before = None
    while exports := await list_exports(house, before=before):
        for export in exports:
            dataset = load_datasets().get(export.dataset)
            if dataset is None:
                continue
            match = compare_mark(dataset, header, whole, mark_key(house, export.export_id))
            if match.chance_log10 <= _TRACED_LOG10:
                found.append((export, match))
        before = exports[-1].export_id
    found.sort(key=lambda item: item[1].chance_log10)
    digest = sha256(text.encode()).hexdigest()
    async with house.database.transaction() as connection:
        await note(house, connection, actor, Act(name="export_trace", subject=digest))
    return Trace(recipients=made_by(house, whole), exports=found, rows=len(whole))


async def _export(house: House, actor: Actor, request: ExportRequest) -> Exported | Refused:
    dataset = _checked(actor, request)
    if isinstance(dataset, Refused):
        return dataset
    export_id, least = house.ids.next(), max(house.settings.export_group_min, request.group_min)
    keys = Keys(recipient=recipient_key(house, request.recipient), mark=mark_key(house, export_id))
    prepared = prepare(dataset, await _records(house, dataset, request), keys)
    already = await _already(house, request, keys)
    kept = _kept(dataset, prepared, already, least=least, leaves_out=request.leaves_out)
    if isinstance(kept, Refused):
        return kept
    content = _csv(prepared.header, kept)
    left = measure(dataset, kept, least=least, already=already)
    now = house.clock.now()
    today = await house.business_date()
    async with house.database.transaction() as connection:
        unassessed = await _without_assessment(house, connection, request, on=today)
        if unassessed is not None:
            return unassessed
        approval = await require_approval(
            connection,
            APPROVAL,
            payload_hash(export_payload(request)),
            used_by=actor.name,
            now=now,
        )
        if isinstance(approval, Refused):
            return approval
        export = Export(
            export_id=export_id,
            dataset=dataset.code,
            recipient=request.recipient,
            purpose=mask_free_text(request.purpose),
            assessment=request.assessment,
            since=request.since,
            until=request.until,
            exported_by=actor.name,
            approval_id=approval.approval_id,
            approved_by=approval.decided_by or "",
            group_min=least,
            row_count=left.rows,
            person_count=left.persons,
            left_out_count=len(prepared.rows) - left.rows,
            smallest_group=left.smallest,
            unique_ppm=left.unique_ppm,
            texts_hidden=prepared.texts_hidden,
            sha256=sha256(content).digest(),
            exported_at=now,
        )
        await export_store.add_export(connection, export)
        today = house.wall.now().date()
        await note_right_use(connection, actor.name, _PERMISSION, on=today)
        await note(house, connection, actor, _act(request, export))
    return Exported(export=export, content=content, risk=left)


async def _already(house: House, request: ExportRequest, keys: Keys) -> Known:
    """Return what a recipient knows persons by from other exports, as their records are now."""
    spans, before = set[tuple[str, date | None, date | None]](), None
    while exports := await list_exports(house, before=before):
        spans |= {
            (one.dataset, one.since, one.until)
            for one in exports
            if one.recipient == request.recipient
        }
        before = exports[-1].export_id
    datasets, found = load_datasets(), list[Known]()
    for code, since, until in spans - {(request.dataset, request.since, request.until)}:
        if code in datasets:
            earlier = replace(request, dataset=code, since=since, until=until)
            records = await _records(house, datasets[code], earlier)
            rows = prepare(datasets[code], records, keys).rows
            found.append(known_by(datasets[code], rows))
    return joined(*found)


def _kept(
    dataset: Dataset, prepared: Prepared, already: Known, *, least: int, leaves_out: bool
) -> Sequence[tuple[str, ...]] | Refused:
    """Return the rows that may leave; refuse them all where groups are small, by counts alone."""
    risk = measure(dataset, prepared.rows, least=least, already=already)
    if risk.small_groups and not leaves_out:
        return refuse(
            EXPORT_GROUPS_TOO_SMALL,
            groups=risk.small_groups,
            rows=risk.small_rows,
            least=least,
            smallest=risk.smallest,
            unique=risk.unique_ppm,
        )
    kept = without_small(dataset, prepared.rows, least=least, already=already)
    return kept or refuse(EXPORT_EMPTY)


async def _without_assessment(
    house: House, connection: Connection, request: ExportRequest, *, on: date
) -> Refused | None:
    """Refuse where no assessment in force is about this recipient, or the one named is not."""
    if not _SHA256.fullmatch(request.assessment):
        return await require_living(house, connection, Processing.EXPORT, request.recipient)
    digest = bytes.fromhex(request.assessment)
    return await require_assessment(connection, Processing.EXPORT, request.recipient, digest, on=on)


def _checked(actor: Actor, request: ExportRequest) -> Dataset | Refused:
    if _PERMISSION not in load_matrix().rights_for(actor).permissions:
        return refuse(EXPORT_NOT_ALLOWED)
    datasets = load_datasets()
    if request.dataset not in datasets:
        known = ", ".join(datasets)
        return refuse(EXPORT_DATASET_UNKNOWN, dataset=request.dataset[:64], known=known)
    if not _RECIPIENT.fullmatch(request.recipient):
        return refuse(EXPORT_RECIPIENT_INVALID)
    if not request.purpose.strip():
        return refuse(REASON_MISSING)
    if not _REFERENCE.fullmatch(request.assessment):
        return refuse(EXPORT_ASSESSMENT_MISSING)
    return datasets[request.dataset]


async def _records(house: House, dataset: Dataset, request: ExportRequest) -> list[dict[str, Any]]:
    """Return the records of a data set, with age and region where the plan asks for them."""
    found: list[dict[str, Any]] = []
    today = await house.business_date()
    async with house.database.connection() as connection:
        pages = export_store.read_dataset(
            connection, dataset.code, since=request.since, until=request.until
        )
        async for page in pages:
            known: dict[int, Mapping[str, str]] = {}
            if dataset.needs_person:
                customers = sorted({row["customer_id"] for row in page})
                # Of whom nothing opens any more age and region are unknown.
                known = persons.kept_of(
                    await persons.read_each(
                        connection,
                        house.vault,
                        customers,
                        [Purpose.IDENTITY],
                        reading("export_ages"),
                        ["id_number"],
                    )
                )
            for row in page:
                fields = known.get(row["customer_id"])
                found.append(row | _person(fields, today))
    return found


def _person(fields: Mapping[str, str] | None, today: date) -> dict[str, Any]:
    """Return age and part of the country; unknown where no identity opens."""
    if fields is None:
        return {"age_years": None, "region": None}
    number = fields["id_number"]
    return {
        "age_years": age_on(birth_date_of(number), today),
        "region": _REGIONS.get(number[:1]),
    }


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _act(request: ExportRequest, export: Export | None = None) -> Act:
    after = ""
    if export is not None:
        after = (
            f"rows={export.row_count} persons={export.person_count} "
            f"smallest={export.smallest_group} sha256={export.sha256.hex()}"
        )
    return Act(
        name="export",
        subject="" if export is None else ids.to_text(ids.DATA_EXPORT, export.export_id),
        purpose=f"{request.dataset} {request.recipient}"[:128],
        ticket=request.assessment[:64],
        reason=request.purpose,
        after=after,
    )
