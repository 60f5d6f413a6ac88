"""What a source says now, held against what is kept of it: new events, new revisions, nothing.

Invariant   Carrying out what comes back and comparing again gives nothing: a repetition adds
            nothing. What a source takes back is taken away by a void revision, never deleted.
"""

from collections.abc import Iterable, Sequence

from counterfoil.features.event import Draft, Event

#: A draft, its revision and whether it takes the record away.
Revised = tuple[Draft, int, bool]


def latest_of(events: Iterable[Event]) -> dict[tuple[str, str, str], Event]:
    """Return the latest revision of each record."""
    latest: dict[tuple[str, str, str], Event] = {}
    for event in events:
        before = latest.get(event.record)
        if before is None or before.revision < event.revision:
            latest[event.record] = event
    return latest


def changes(drafts: Sequence[Draft], kept: Iterable[Event]) -> list[Revised]:
    """Return what has to be written so that the records of the drafts' sources say the same."""
    latest = latest_of(kept)
    made: list[Revised] = []
    told = set()
    for draft in drafts:
        told.add(draft.record)
        before = latest.get(draft.record)
        if before is None:
            made.append((draft, 0, False))
        elif not draft.says_as(before):
            # What changed is known only now, whatever the first revision was.
            made.append((draft._replace(known_at=None), before.revision + 1, False))
    made += [
        (_void(event), event.revision + 1, True)
        for record, event in latest.items()
        if record not in told and not event.is_void
    ]
    return made


def _void(event: Event) -> Draft:
    return Draft(
        customer_id=event.customer_id,
        kind=event.kind,
        source=event.source,
        source_record=event.source_record,
        line_id=event.line_id,
        purpose=event.purpose,
        legal_basis=event.legal_basis,
        consent_id=event.consent_id,
        occurred_on=event.occurred_on,
        occurred_at=event.occurred_at,
        known_at=None,
        expires_at=event.expires_at,
        facts={},
    )
