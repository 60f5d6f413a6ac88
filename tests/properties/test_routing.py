"""Whatever rails there are and however they stand: one way for a payment, every reason named."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.rail_terms import Fee, Hours, Limits, RailKind, RailTerms, Window
from counterfoil.payments.routing import (
    LASTING,
    Chosen,
    Impossible,
    Obstacle,
    Queued,
    RailNow,
    first_rail,
    route,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER = PayoutOrder(
    customer_id=70, payment_id=7, line_id=71, loan_id=7, amount_minor=120_000, currency="CNY",
    payee_ref="pa_7", lender_id="lender-1", business_date=date(2026, 3, 2),
)  # fmt: skip
NIGHT = Window(
    weekdays=frozenset(range(7)), opens=time(1), cut_off=time(2), is_open_on_holidays=True
)


@st.composite
def rails(draw: st.DrawFn) -> list[RailNow]:
    return [_rail(draw, f"rail{number}") for number in range(draw(st.integers(1, 4)))]


def _rail(draw: st.DrawFn, code: str) -> RailNow:
    terms = RailTerms(
        code=code,
        kind=RailKind.INSTANT,
        endpoint=None,
        currencies=frozenset(draw(st.sampled_from([["CNY"], ["CNY"], ["HKD"]]))),
        limits=Limits(
            payment_minor_min=draw(st.sampled_from([1, 1, 130_000])),
            payment_minor_max=draw(st.sampled_from([100_000, 200_000, 200_000])),
            day_minor_max=draw(st.sampled_from([None, 500_000])),
            day_payments_max=draw(st.sampled_from([None, 3])),
        ),
        hours=Hours(zone=ZoneInfo("UTC"), windows=draw(st.sampled_from([(), (), (NIGHT,)]))),
        fee=Fee(fixed_minor=draw(st.integers(0, 2))),
        priority=draw(st.integers(0, 2)),
    )
    is_down = draw(st.booleans())
    return RailNow(
        terms=terms,
        is_connected=draw(st.integers(0, 5)) > 0,
        is_closed_by_hand=draw(st.integers(0, 5)) == 0,
        probes_left=draw(st.integers(0, 2)) if is_down else None,
        paused_until=NOW + timedelta(seconds=5) if is_down else None,
        sent_minor=draw(st.sampled_from([0, 400_000])),
        sent_count=draw(st.integers(0, 3)),
    )


@given(rails())
def test_a_payment_gets_one_rail_or_none_and_every_better_one_has_a_reason(
    rails: list[RailNow],
) -> None:
    way = route(ORDER, rails, NOW)
    named = [one.rail for one in way.passed_over]
    assert len(named) == len(set(named)), "a rail is passed over once"
    if isinstance(way, Chosen):
        assert way.rail not in named
        chosen = next(rail for rail in rails if rail.terms.code == way.rail)
        better = {r.terms.code for r in rails if r.terms.priority < chosen.terms.priority}
        assert better <= set(named)
        assert chosen.is_connected
        assert not chosen.is_closed_by_hand
        assert chosen.probes_left != 0
    else:
        assert set(named) == {rail.terms.code for rail in rails}
    if isinstance(way, Queued):
        assert way.until > NOW
    if isinstance(way, Impossible):
        assert all(one.obstacle in LASTING for one in way.passed_over)


@given(rails(), st.randoms())
def test_the_order_of_the_file_changes_nothing(rails: list[RailNow], chance: object) -> None:
    mixed = list(rails)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert route(ORDER, mixed, NOW) == route(ORDER, rails, NOW)


@given(rails())
def test_no_rail_is_given_more_than_its_day_holds(rails: list[RailNow]) -> None:
    before = {rail.terms.code: (rail.sent_minor, rail.sent_count) for rail in rails}
    for _ in range(20):
        way = route(ORDER, rails, NOW)
        if not isinstance(way, Chosen):
            break
        next(rail for rail in rails if rail.terms.code == way.rail).take(ORDER)
    for rail in rails:
        limits = rail.terms.limits
        if (rail.sent_minor, rail.sent_count) == before[rail.terms.code]:
            continue
        assert limits.day_minor_max is None or rail.sent_minor <= limits.day_minor_max
        assert limits.day_payments_max is None or rail.sent_count <= limits.day_payments_max


@given(rails())
def test_what_fails_at_once_could_never_be_sent_and_nothing_else_does(
    rails: list[RailNow],
) -> None:
    _, code = first_rail(ORDER, [rail.terms for rail in rails])
    way = route(ORDER, rails, NOW)
    assert (code is not None) == isinstance(way, Impossible)


def test_a_rail_that_is_closed_or_outside_its_hours_queues_until_it_may_carry() -> None:
    rail = _plain("a")
    closed = replace(rail, hours=Hours(zone=ZoneInfo("UTC"), windows=(NIGHT,)))
    way = route(ORDER, [RailNow(terms=closed)], NOW)
    assert isinstance(way, Queued)
    assert way.until == datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert [one.obstacle for one in way.passed_over] == [Obstacle.OUTSIDE_HOURS]
    by_hand = route(ORDER, [RailNow(terms=rail, is_closed_by_hand=True)], NOW)
    assert isinstance(by_hand, Queued)


def _plain(code: str) -> RailTerms:
    return RailTerms(
        code=code, kind=RailKind.INSTANT, endpoint=None, currencies=frozenset({"CNY"}),
        limits=Limits(payment_minor_max=200_000), hours=Hours(zone=ZoneInfo("UTC")), fee=Fee(),
        priority=0,
    )  # fmt: skip
