"""An application's way: the transitions there are, and the refusal of every other one."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.unit.decisioning.cases import TODAY, decide

from counterfoil.decisioning import application as way
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.expression import Value
from counterfoil.kernel.errors import Refused

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
LATER = datetime(2026, 1, 9, 8, tzinfo=UTC)


def received() -> Application:
    return Application(
        customer_id=1,
        application_id=2,
        product_code="cash-line-open",
        product_version=1,
        currency="CNY",
        requested_minor=None,
        purpose="travel",
        status=Status.RECEIVED,
        received_at=NOW,
    )


def sure(moved: Application | Refused) -> Application:
    assert isinstance(moved, Application), moved
    return moved


def decided(changes: dict[str, Value | None] | None = None) -> Application:
    gathering = sure(way.gather(received()))
    return sure(way.decide(gathering, decide(changes), at=NOW))


def at(status: Status) -> Application:
    approved = decided()
    return {
        Status.RECEIVED: received(),
        Status.GATHERING: sure(way.gather(received())),
        Status.APPROVED: approved,
        Status.DECLINED: decided({"age_years": 17}),
        Status.REFERRED: decided({"is_student": True}),
        Status.ACCEPTED: sure(way.accept(approved, line_id=2, on=TODAY, at=NOW)),
        Status.EXPIRED: replace(approved, status=Status.EXPIRED, ended_at=NOW),
        Status.WITHDRAWN: sure(way.withdraw(approved, at=NOW)),
    }[status]


ALLOWED = {
    (Status.RECEIVED, "gather"),
    (Status.RECEIVED, "withdraw"),
    (Status.GATHERING, "decide"),
    (Status.GATHERING, "withdraw"),
    (Status.REFERRED, "decide"),
    (Status.REFERRED, "decide_referred"),
    (Status.REFERRED, "withdraw"),
    (Status.APPROVED, "accept"),
    (Status.APPROVED, "withdraw"),
}


def move(application: Application, name: str) -> Application | Refused:
    match name:
        case "gather":
            return way.gather(application)
        case "decide":
            return way.decide(application, decide(), at=LATER)
        case "decide_referred":
            return way.decide_referred(
                application,
                by="li.wei",
                outcome=Outcome.APPROVED,
                reason="seen the papers",
                valid_until=date(2026, 2, 8),
                at=LATER,
            )
        case "accept":
            return way.accept(application, line_id=2, on=TODAY, at=LATER)
        case _:
            return way.withdraw(application, at=LATER)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", ["gather", "decide", "decide_referred", "accept", "withdraw"])
def test_only_the_stated_transitions_exist(status: Status, name: str) -> None:
    moved = move(at(status), name)
    if (status, name) in ALLOWED:
        assert isinstance(moved, Application)
    else:
        assert isinstance(moved, Refused)
        assert moved.code == "application_not_open"


def test_the_offer_of_the_decision_stands_on_the_application() -> None:
    application = decided()
    assert application.status is Status.APPROVED
    assert application.limit_minor == 5_000_000
    assert application.rate_daily_e8 == 25_000
    assert application.decided_by == "policy"
    assert application.valid_until == date(2026, 2, 4)
    assert application.ended_at is None
    assert application.is_open


def test_a_decline_ends_the_application() -> None:
    application = decided({"age_years": 17})
    assert application.status is Status.DECLINED
    assert application.ended_at == NOW
    assert not application.is_open


def test_the_last_day_of_an_offer_counts_and_the_next_does_not() -> None:
    offer = decided()
    assert isinstance(way.accept(offer, line_id=2, on=date(2026, 2, 4), at=LATER), Application)
    late = way.accept(offer, line_id=2, on=date(2026, 2, 5), at=LATER)
    assert isinstance(late, Refused)
    assert late.code == "offer_expired"


def test_an_acceptance_without_a_line_can_be_taken_back() -> None:
    offer = decided()
    assert way.reopen(sure(way.accept(offer, line_id=2, on=TODAY, at=LATER))) == offer


def test_a_person_ends_a_referral_with_name_and_reason() -> None:
    referred = at(Status.REFERRED)
    approved = sure(move(referred, "decide_referred"))
    assert approved.status is Status.APPROVED
    assert (approved.decided_by, approved.decision_reason) == ("li.wei", "seen the papers")
    assert approved.valid_until == date(2026, 2, 8)
    declined = sure(
        way.decide_referred(
            referred,
            by="li.wei",
            outcome=Outcome.DECLINED,
            reason="papers are missing",
            valid_until=date(2026, 2, 8),
            at=LATER,
        )
    )
    assert declined.status is Status.DECLINED
    assert declined.valid_until is None


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("li.wei", " "), ("policy", "x")])
def test_without_name_or_reason_nobody_decides(by: str, reason: str) -> None:
    refused = way.decide_referred(
        at(Status.REFERRED),
        by=by,
        outcome=Outcome.DECLINED,
        reason=reason,
        valid_until=TODAY,
        at=LATER,
    )
    assert isinstance(refused, Refused)
    assert refused.code == "decision_reason_missing"


def test_a_person_cannot_grant_what_the_policy_has_no_limit_for() -> None:
    refused = move(replace(at(Status.REFERRED), limit_minor=0), "decide_referred")
    assert isinstance(refused, Refused)
    assert refused.code == "nothing_to_offer"
