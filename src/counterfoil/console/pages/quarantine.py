"""One malformed event: what could be kept of it, and the form to repair it or to discard it."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.features.event import Member
from counterfoil.features.feature import Value, ValueType
from counterfoil.features.store import Quarantined, quarantine_page
from counterfoil.journeys.knowing.tell_events import repair
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader

HOME: Final = f"{BASE}/data"
#: What a person may do with it.
ENDS: Final = ("repaired", "discarded")
DONE: Final = ("event_repaired", "event_discarded")
#: Malformed events that are shown, the oldest.
WAITING_SHOWN: Final = 60
_VALUE_LENGTH_MAX: Final = 64
_BOOLEANS: Final = {"true": True, "false": False}


async def waiting(visit: Visit) -> list[Quarantined]:
    """Return the malformed events that wait, as far as the operator may see their customers."""
    async with visit.reading() as connection:
        found = await quarantine_page(connection, page=WAITING_SHOWN)  # type: ignore[arg-type]
    return await visit.in_queue(found, ids.EVENT, attrgetter("draft.customer_id", "event_id"))


def href_of(held: Quarantined) -> str:
    """Return where a malformed event is worked off."""
    customer = ids.to_text(ids.CUSTOMER, held.draft.customer_id)
    return f"{HOME}/quarantine/{customer}/{ids.to_text(ids.EVENT, held.event_id)}"


async def decide(visit: Visit) -> Response:
    """Let a malformed event in with its members as they should be, or discard it."""
    params = visit.request.path_params
    found = [item for item in await waiting(visit) if href_of(item) == _asked(params)]
    if not found:
        return await errors.not_found(visit)
    [held] = found
    kind = visit.desk.house.registry.kinds.get(held.draft.kind)
    members: Mapping[str, Member] = {} if kind is None else kind.members

    async def act(reader: FormReader) -> object:
        end, reason = reader.choice("end", ENDS), flow.reason_of(reader)
        facts = _facts(reader, members) if end == ENDS[0] else None
        if end is None or reason is None or not reader.is_valid:
            return None
        return await repair(
            visit.desk.house,
            visit.actor,
            customer_id=held.draft.customer_id,
            event_id=held.event_id,
            facts=facts,
            reason=reason,
        )

    action, fields = _action(visit, held), _fields(visit, members)
    kept = {_field(name): _text(value) for name, value in held.draft.facts.items()}
    return await flow.run(visit, action, fields, act, done=lambda out: DONE[out is None], **kept)


def _asked(params: Mapping[str, str]) -> str:
    return f"{HOME}/quarantine/{params['customer']}/{params['event']}"


def _action(visit: Visit, held: Quarantined) -> Action:
    days = (visit.desk.house.clock.now() - held.held_at).days
    dropped = ", ".join(held.dropped)
    return Action(
        name="repair",
        title=visit.t("data.repair", number=ids.to_text(ids.EVENT, held.event_id)),
        intro=visit.t(
            "data.repair_intro",
            source=held.draft.source,
            kind=held.draft.kind,
            reason=" ".join(
                filter(None, (visit.catalogue.label("held_reason", held.reason), held.member))
            ),
            dropped=dropped or "—",
            days=visit.formats.count(max(days, 0)),
        ),
        path=href_of(held),
        record=Crumb(label=visit.t("nav.data"), href=HOME),
        journey="journeys.knowing.tell_events.repair",
    )


def _fields(visit: Visit, members: Mapping[str, Member]) -> list[Field]:
    t = visit.t
    choices = tuple((code, visit.catalogue.label("quarantine_end", code)) for code in ENDS)
    return [
        Field(name="end", label=t("data.end"), kind="select", choices=choices),
        *(
            Field(name=_field(name), label=name, hint=_hint(member), is_required=False)
            for name, member in members.items()
        ),
        Field(name="reason", label=t("approval.reason"), hint=t("correction.reason_hint")),
    ]


def _field(name: str) -> str:
    """Return the form's name of a member, which no field of the form itself bears."""
    return f"member-{name}"


def _hint(member: Member) -> str:
    if member.type is ValueType.INTEGER:
        return f"{member.lowest:,} – {member.highest:,}"
    if member.type is ValueType.BOOLEAN:
        return " / ".join(_BOOLEANS)
    return ", ".join(member.values)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(reader: FormReader, members: Mapping[str, Member]) -> dict[str, Value]:
    """Return the members that are filled in; what cannot be a value is told at its field."""
    facts: dict[str, Value] = {}
    for name, member in members.items():
        text = reader.text(_field(name), length_max=_VALUE_LENGTH_MAX, required=False)
        if text is None:
            continue
        value = _value(member, text)
        if value is None:
            reader.refuse(_field(name), "form.not_a_choice")
        else:
            facts[name] = value
    return facts


def _value(member: Member, text: str) -> Value | None:
    if member.type is ValueType.BOOLEAN:
        return _BOOLEANS.get(text.lower())
    if member.type is ValueType.TEXT:
        return text
    try:
        return int(text)
    except ValueError:
        return None


PAGES: Final = (
    Page(
        path="/data/quarantine/{customer}/{event}",
        show=decide,
        submit=decide,
        permission=Permission.REVIEW,
    ),
)
