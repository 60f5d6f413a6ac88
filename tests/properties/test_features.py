"""One definition, two forms: equal on every history, and blind to what is known later."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from counterfoil.features.event import Event
from counterfoil.features.feature import Feature, ValueType
from counterfoil.features.fold import AsOf, known_events, value_of
from counterfoil.features.offline import Question, events_frame, values_over_history
from counterfoil.features.registry_file import load_registry

REGISTRY = load_registry()
FEATURES = [one for one in REGISTRY.features.values() if one.definition is not None]
START = date(2025, 1, 29)
DAYS = 420
#: A history that fails says so as it is: making it smaller takes minutes.
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
LINES = (None, 7, 8)
PURPOSES = (None, "origination", "limit_increase", "review")


def fact(draw: Any, name: str, kind: str) -> Any:
    member = REGISTRY.kinds[kind].members[name]
    if member.type is ValueType.BOOLEAN:
        return draw(st.booleans())
    if member.type is ValueType.TEXT:
        return draw(st.sampled_from(member.values or ("base-1", "base-2")))
    return draw(st.integers(member.lowest, min(member.highest, member.lowest + 12)))


@st.composite
def an_event(draw: Any, number: int) -> Event:
    kind = draw(st.sampled_from(sorted(REGISTRY.kinds)))
    source = draw(st.sampled_from(sorted(REGISTRY.kinds[kind].sources)))
    names = sorted(REGISTRY.kinds[kind].members)
    said = [name for name in names if draw(st.booleans())]
    occurred_on = START + timedelta(days=draw(st.integers(0, DAYS)))
    midnight = datetime(occurred_on.year, occurred_on.month, occurred_on.day, tzinfo=UTC)
    known_at = midnight + timedelta(days=draw(st.integers(-2, 60)))
    uses = ["contract", "consent", "law"]
    return Event(
        customer_id=draw(st.integers(1, 2)),
        event_id=number,
        kind=kind,
        source=source,
        source_record=f"r{draw(st.integers(0, 5))}",
        revision=number,
        is_void=draw(st.integers(0, 9)) == 0,
        line_id=draw(st.sampled_from(LINES)),
        purpose=draw(
            st.sampled_from(["inquiry_origination", "inquiry_limit_increase", "performance"])
        ),
        legal_basis=draw(st.sampled_from(uses)),
        consent_id=draw(st.sampled_from([None, 1, 2])),
        occurred_on=occurred_on,
        occurred_at=midnight + timedelta(hours=draw(st.integers(0, 3))),
        known_at=known_at,
        expires_at=draw(st.sampled_from([None, known_at + timedelta(days=31)])),
        facts={name: fact(draw, name, kind) for name in said},
    )


@st.composite
def histories(draw: Any) -> list[Event]:
    return [draw(an_event(number)) for number in range(1, draw(st.integers(0, 14)) + 1)]


def questions(draw_days: list[int]) -> list[Question]:
    return [
        Question(
            customer_id=customer_id,
            line_id=line_id,
            on=START + timedelta(days=days),
            known_at=datetime(2025, 1, 29, 12, tzinfo=UTC) + timedelta(days=days),
        )
        for days in draw_days
        for customer_id in (1, 2)
        for line_id in LINES
    ]


def online(
    events: list[Event], asked: Question, purpose: str | None, stopped: set[int]
) -> dict[str, Any]:
    as_of = AsOf(on=asked.on, known_at=asked.known_at)
    mine = [event for event in events if event.customer_id == asked.customer_id]
    known = known_events(mine, as_of, stopped=stopped)
    return {
        feature.name: value_of(feature, known, as_of, purpose=purpose, line_id=asked.line_id).value
        for feature in FEATURES
    }


@given(
    events=histories(),
    days=st.lists(st.integers(0, DAYS), min_size=1, max_size=3),
    purpose=st.sampled_from(PURPOSES),
    stopped=st.sets(st.integers(1, 2), max_size=1),
)
@settings(max_examples=30, phases=QUICK)
def test_online_and_offline_give_equal_values(
    events: list[Event], days: list[int], purpose: str | None, stopped: set[int]
) -> None:
    asked = questions(days)
    frame = events_frame(events, FEATURES)
    offline = values_over_history(FEATURES, frame, asked, purpose=purpose, stopped=stopped)
    for row, question in zip(offline.to_dicts(), asked, strict=True):
        values = {feature.name: row[feature.name] for feature in FEATURES}
        assert values == online(events, question, purpose, stopped), question


@given(events=histories(), later=histories(), days=st.integers(0, DAYS))
@settings(max_examples=30, phases=QUICK)
def test_what_is_known_later_changes_no_earlier_value(
    events: list[Event], later: list[Event], days: int
) -> None:
    for question in questions([days]):
        before = online(events, question, None, set())
        added = [
            event._replace(
                event_id=1_000 + event.event_id,
                revision=1_000 + event.revision,
                known_at=question.known_at + timedelta(microseconds=1 + event.event_id),
            )
            for event in later
        ]
        assert online([*events, *added], question, None, set()) == before


def test_a_value_that_could_be_changed_by_later_knowledge_would_be_found() -> None:
    paid = REGISTRY.features["own_limit_minor"]
    event = Event(
        customer_id=1, event_id=1, kind="line_opened", source="own_behaviour", source_record="l",
        revision=0, is_void=False, line_id=7, purpose="performance", legal_basis="contract",
        consent_id=None, occurred_on=START, occurred_at=datetime(2025, 1, 29, tzinfo=UTC),
        known_at=datetime(2025, 1, 29, tzinfo=UTC), expires_at=None, facts={"limit_minor": 5},
    )  # fmt: skip
    as_of = AsOf(on=START, known_at=event.known_at)

    def value(feature: Feature, *events: Event) -> Any:
        return value_of(feature, known_events(events, as_of), as_of, line_id=7).value

    raised = event._replace(event_id=2, revision=1, facts={"limit_minor": 9})
    assert value(paid, event) == 5
    assert value(paid, event, raised) == 9
    assert value(paid, event, raised._replace(known_at=as_of.known_at + timedelta(1))) == 5
    assert value(replace(paid, uses=()), event) is None
