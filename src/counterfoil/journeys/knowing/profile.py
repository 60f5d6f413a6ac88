"""A customer's profile: a view over features, in parts for staff and whole for the customer.

Invariant   It stores nothing: every value is folded from events when it is asked for. Staff see the
            categories that their purpose of looking shows, and each look is a line of the trail.
Correction  What the customer has stated, the customer can state anew: an event, known from now on;
            earlier decisions keep what they read. What others say, the customer can contest: it is
            marked so, and somebody looks. Either way the customer's lines are reviewed next.
Records     Of merged records each shows what is known under all of them, as of one person.
Lenders     Staff look for one lender of record, and see what that lender may by the rules of
            `profile_lenders.py`; the customer sees everything.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from counterfoil.customers.link_store import read_people
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.customers.store import read_customer
from counterfoil.features import store
from counterfoil.features.event import Draft
from counterfoil.features.feature import Feature, Value
from counterfoil.features.refusals import (
    FEATURE_NOT_FOUND,
    PROFILE_NOT_STATED,
    PROFILE_VALUE_IMPOSSIBLE,
)
from counterfoil.journeys.deciding.decision_events import KINDS
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.facts import Knowledge, Quality, Reading, knowledge_of
from counterfoil.journeys.knowing.feature_limits import read_limits
from counterfoil.journeys.knowing.profile_lenders import events_for
from counterfoil.journeys.knowing.tell_events import refuse_event, revise
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.history_store import bring_reviews_forward
from counterfoil.platform.access_matrix import EVERY_FIELD, Actor, load_matrix
from counterfoil.platform.database import Connection
from counterfoil.privacy.refusals import PURPOSE_NOT_ALLOWED

#: Under which a customer's own word is kept where nothing was stated before.
_PURPOSE: Final = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One feature of a profile."""

    feature: Feature
    #: The line it is about; None for the customer.
    line_id: int | None
    #: As it was last heard, also where it is too old for decisions; None for unknown.
    value: Value | None
    quality: Quality
    #: Who said so; empty where nobody did.
    source: str
    #: The day it is of, and how many days ago that is.
    on: date | None
    age_days: int | None
    #: The model behind it; empty where no model made it.
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a customer on a day."""

    customer_id: int
    on: date
    traits: Sequence[Trait]


async def own_profile(house: House, customer_id: int) -> Profile | Refused:
    """Return a customer's profile for the customer: everything that is known."""
    async with house.database.transaction() as connection:
        if await read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        return await _profile(house, connection, customer_id, [EVERY_FIELD])


async def staff_profile(
    house: House, actor: Actor, customer_id: int, *, purpose: str, lender_id: str
) -> Profile | Refused:
    """Return what a member of staff of a lender may see of a customer for a purpose of looking."""
    act = Act(name="profile", customer_ids=[customer_id], subject=lender_id, purpose=purpose)
    allowed = load_matrix().purpose_for(actor, purpose)
    if allowed is None:
        refused = refuse(PURPOSE_NOT_ALLOWED, purpose=purpose)
        return await note_refusal(house, actor, act, refused)
    async with house.database.transaction() as connection:
        if await read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        await note(house, connection, actor, act)
        return await _profile(house, connection, customer_id, allowed.profile, lender_id=lender_id)


async def correct(
    house: House, actor: Actor, *, customer_id: int, name: str, value: Value | None
) -> Profile | Refused:
    """Take a customer's word that a feature is otherwise; without a value, that it is wrong."""
    act = Act(name="profile_corrected", customer_ids=[customer_id], subject=name)
    try:
        async with house.database.transaction() as connection:
            await _correct(house, connection, customer_id, name, value)
            on = await house.business_date()
            for record in (await read_people(connection, [customer_id])).records(customer_id):
                await bring_reviews_forward(connection, record, on=on)
            await note(house, connection, actor, act)
            return await _profile(house, connection, customer_id, [EVERY_FIELD])
    except RefusedError as error:
        return error.refused


async def _correct(
    house: House, connection: Connection, customer_id: int, name: str, value: Value | None
) -> None:
    if await read_customer(connection, customer_id) is None:
        raise RefusedError(refuse(CUSTOMER_NOT_FOUND))
    feature = house.registry.features.get(name)
    if feature is None:
        raise RefusedError(refuse(FEATURE_NOT_FOUND, name=name))
    if value is None:
        known = await knowledge_of(house, connection, customer_id)
        await store.add_contested(
            connection,
            customer_id,
            name,
            contested_id=house.ids.next(),
            at=known.as_of.known_at,
        )
        return
    if not feature.is_stated:
        raise RefusedError(refuse(PROFILE_NOT_STATED, name=name))
    if not feature.admits(value):
        raise RefusedError(refuse(PROFILE_VALUE_IMPOSSIBLE, name=name))
    known = await knowledge_of(house, connection, customer_id)
    draft = await _statement(house, known, feature, value)
    refused = await refuse_event(house, connection, draft)
    if refused is not None:
        raise RefusedError(refused)
    await revise(house, connection, draft)


async def _statement(house: House, known: Knowledge, feature: Feature, value: Value) -> Draft:
    """Return the customer's word as the next one on what was stated, or as a first one."""
    now, on = house.clock.now(), await house.business_date()
    last = known.read(feature.name).last
    use = feature.uses[0]
    record = f"own-word/{feature.name}"
    draft = Draft(
        customer_id=known.customer_id,
        kind=KINDS[use.source],
        source=use.source,
        source_record=record if last is None else last.source_record,
        line_id=None,
        purpose=use.consent_purpose or (_PURPOSE if last is None else last.purpose),
        legal_basis=use.legal_basis,
        consent_id=None if last is None else last.consent_id,
        occurred_on=on,
        occurred_at=now,
        known_at=None,
        expires_at=None if last is None else last.expires_at,
        facts={feature.name: value},
    )
    return draft if last is None else draft._replace(facts={**last.facts, feature.name: value})


async def _profile(
    house: House,
    connection: Connection,
    customer_id: int,
    categories: Collection[str],
    *,
    lender_id: str | None = None,
) -> Profile:
    known = await _known_of_person(house, connection, customer_id)
    if lender_id is not None:
        events = await events_for(house, connection, known.events, lender_id)
        known = replace(known, events=events)
    limits = await read_limits(house.registry, connection)
    traits = []
    for feature in house.registry.features.values():
        if EVERY_FIELD not in categories and feature.category not in categories:
            continue
        if feature.definition is None or not set(feature.sources) & set(limits.sources):
            continue
        lines = known.lines if feature.definition.is_of_line else [None]
        traits += [_trait(known, feature, line_id) for line_id in lines]
    return Profile(customer_id=customer_id, on=known.as_of.on, traits=traits)


async def _known_of_person(house: House, connection: Connection, customer_id: int) -> Knowledge:
    """Return what is known under every record of a person, in order of happening."""
    records = (await read_people(connection, [customer_id])).records(customer_id)
    known = [await knowledge_of(house, connection, record) for record in records]
    events = [event for part in known for event in part.events]
    contested: dict[str, datetime] = {}
    for part in known:
        for name, since in part.contested.items():
            contested[name] = max(since, contested.get(name, since))
    latest = max(known, key=lambda part: part.as_of.known_at)
    return replace(
        latest,
        customer_id=customer_id,
        events=sorted(events, key=lambda event: (event.occurred_at, event.event_id)),
        contested=contested,
    )


def _trait(known: Knowledge, feature: Feature, line_id: int | None) -> Trait:
    reading = known.read(feature.name, line_id=line_id)
    last, on = reading.last, reading.found.as_of
    value = reading.found.value if reading.quality is Quality.STALE else reading.value
    return Trait(
        feature=feature,
        line_id=line_id,
        value=value,
        quality=reading.quality,
        source="" if last is None else last.source,
        on=on,
        age_days=None if on is None else (known.as_of.on - on).days,
        model=_model(feature, reading),
    )


def _model(feature: Feature, reading: Reading) -> str:
    """Return the model behind an inferred trait, as its event names it."""
    if not feature.is_inferred or reading.last is None or feature.definition is None:
        return ""
    return str(reading.last.facts.get(feature.definition.model, ""))
