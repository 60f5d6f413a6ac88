"""What follows from identity checks: which acts may go on, and when tries begin again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from counterfoil.customers.verification import (
    Check,
    CheckOutcome,
    Gap,
    Standing,
    Want,
    again_at,
    gaps,
    independent_sources,
    valid_until,
)
from counterfoil.customers.verification_policy import (
    Act,
    CheckKind,
    IdentityPolicyError,
    Tries,
    load_identity_policy,
    read_identity_policy,
)
from counterfoil.customers.verification_port import (
    HouseSource,
    IdentityAnswer,
    IdentityQuestion,
    SandboxSource,
    sources_of,
)

POLICY = load_identity_policy(None)
ON = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOURCES = {
    CheckKind.NUMBER: "house",
    CheckKind.NAME_NUMBER: "citizen-register",
    CheckKind.DOCUMENT: "document-reader",
    CheckKind.LIVENESS: "document-reader",
    CheckKind.PHONE: "mobile-carrier",
    CheckKind.BANK_CARD: "card-network",
    CheckKind.IN_PERSON: "branch",
}


def check(
    kind: CheckKind,
    outcome: CheckOutcome = CheckOutcome.PASS,
    *,
    source: str | None = None,
    expires: date | None = None,
) -> Check:
    return Check(
        customer_id=1,
        check_id=1,
        kind=kind,
        outcome=outcome,
        source=source or SOURCES[kind],
        checked_at=AT,
        valid_until=valid_until(POLICY, kind, ON, expires),
        document_expires_on=expires,
    )


def standing(*checks: Check, is_held: bool = False) -> Standing:
    return Standing(checks=checks, is_held=is_held)


OPENING = [check(kind) for kind in POLICY.needs[Act.OPENING].checks]


def without(kind: CheckKind) -> list[Check]:
    return [item for item in OPENING if item.kind is not kind]


def test_opening_goes_on_with_every_kind_and_two_sources() -> None:
    assert gaps(POLICY, Act.OPENING, standing(*OPENING), on=ON) == ()
    assert gaps(POLICY, Act.OPENING, standing(), on=ON)[-1] == Gap("", Want.SOURCES)


@pytest.mark.parametrize(
    ("outcome", "want"),
    [(CheckOutcome.UNKNOWN, Want.UNKNOWN), (CheckOutcome.FAIL, Want.FAILED)],
)
def test_what_is_unknown_or_failed_is_never_a_pass(outcome: CheckOutcome, want: Want) -> None:
    said = standing(*without(CheckKind.PHONE), check(CheckKind.PHONE, outcome))
    assert gaps(POLICY, Act.OPENING, said, on=ON) == (Gap(CheckKind.PHONE, want),)


def test_a_failure_outweighs_the_pass_of_another_source() -> None:
    said = standing(*OPENING, check(CheckKind.DOCUMENT, CheckOutcome.FAIL, source="branch"))
    assert gaps(POLICY, Act.OPENING, said, on=ON) == (Gap(CheckKind.DOCUMENT, Want.FAILED),)


def test_a_social_network_counts_for_nothing() -> None:
    social = check(CheckKind.PHONE, source="social-network")
    assert gaps(POLICY, Act.OPENING, standing(*without(CheckKind.PHONE), social), on=ON) == (
        Gap(CheckKind.PHONE, Want.MISSING),
    )
    assert independent_sources(POLICY, [social], ON) == 0


def test_sources_of_one_group_count_once_and_the_house_itself_never() -> None:
    one = [check(CheckKind.DOCUMENT), check(CheckKind.LIVENESS), check(CheckKind.NUMBER)]
    assert independent_sources(POLICY, one, ON) == 1


def test_whoever_gives_no_biometric_data_is_checked_in_person() -> None:
    checks = without(CheckKind.LIVENESS)
    assert gaps(POLICY, Act.OPENING, standing(*checks), on=ON)
    said = standing(*checks, check(CheckKind.IN_PERSON))
    assert gaps(POLICY, Act.OPENING, said, on=ON) == ()


def test_a_case_holds_every_act_and_says_nothing_else() -> None:
    for act in Act:
        assert gaps(POLICY, act, standing(is_held=True), on=ON) == (Gap("", Want.CASE),)


def test_an_expired_document_stops_even_the_smallest_drawdown() -> None:
    last = ON + timedelta(days=10)
    said = standing(check(CheckKind.DOCUMENT, expires=last))
    assert gaps(POLICY, Act.DRAWING, said, on=last, is_large=False) == ()
    after = last + timedelta(days=1)
    expired = (Gap(CheckKind.DOCUMENT, Want.EXPIRED),)
    assert gaps(POLICY, Act.DRAWING, said, on=after, is_large=False) == expired
    renewed = standing(
        check(CheckKind.DOCUMENT, expires=last),
        check(CheckKind.DOCUMENT, source="branch", expires=date(2036, 1, 1)),
    )
    assert gaps(POLICY, Act.DRAWING, renewed, on=after, is_large=False) == ()


def test_only_a_large_drawdown_needs_checks() -> None:
    assert gaps(POLICY, Act.DRAWING, standing(), on=ON, is_large=False) == ()
    found = gaps(POLICY, Act.DRAWING, standing(), on=ON, is_large=True)
    assert [gap.want for gap in found] == [Want.MISSING] * 3 + [Want.SOURCES]


def test_each_currency_uses_up_its_share_and_an_unknown_one_all_of_it() -> None:
    policy = replace(POLICY, drawing_above_minor={"CNY": 3_000, "HKD": 9_000})
    assert not policy.is_large({"CNY": 3_000})
    assert policy.is_large({"CNY": 3_001})
    # A third and two thirds are the whole, exactly; one unit more of either is too much.
    assert not policy.is_large({"CNY": 1_000, "HKD": 6_000})
    assert policy.is_large({"CNY": 1_001, "HKD": 6_000})
    assert policy.is_large({"CNY": 1_000, "HKD": 6_001})
    assert policy.is_large({"USD": 1})
    assert policy.is_large({"CNY": 1, "USD": 1})
    assert policy.drawing_share({"USD": 1}) is None


def test_an_answer_that_grew_old_has_to_be_given_again() -> None:
    later = ON + timedelta(days=POLICY.valid_days[CheckKind.LIVENESS] + 1)
    assert gaps(POLICY, Act.OPENING, standing(*OPENING), on=later) == (
        Gap(CheckKind.LIVENESS, Want.EXPIRED),
    )


def test_only_time_ends_a_limit_on_tries() -> None:
    tries = Tries(failures_max=2, hours=24)
    failed = [AT, AT - timedelta(hours=1), AT - timedelta(hours=30)]
    assert again_at(tries, failed[1:], AT) is None
    assert again_at(tries, failed, AT) == AT + timedelta(hours=23)
    assert again_at(tries, failed, AT + timedelta(hours=23)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sources_min = 2\n\n[acts.raising]", "sources_min = 1\n\n[acts.raising]"),
        ('liveness = ["in_person"]', ""),
        ('checks = ["bank_card"]', 'checks = ["phone"]'),
        ('group = "card-network"', 'groups = "card-network"'),
        ("CNY = 2_000_000", "CNY = 0"),
        ("CNY = 2_000_000", "yuan = 2_000_000"),
        ("[drawing_above_minor]\nCNY = 2_000_000", "drawing_above_minor = 2_000_000"),
    ],
)
def test_an_unsound_document_is_refused(old: str, new: str) -> None:
    text = resources.files("counterfoil.customers").joinpath("identity.toml").read_text()
    assert text.count(old) == 1
    with pytest.raises(IdentityPolicyError):
        read_identity_policy(text.replace(old, new))


def question(kind: CheckKind, presented: str = "") -> IdentityQuestion:
    return IdentityQuestion(
        kind=kind,
        name="王小明",
        id_number="11010519491231002X",
        phone="+8613800001234",
        presented=presented,
        on=ON,
    )


@pytest.mark.parametrize(
    ("presented", "answer"),
    [
        ("", IdentityAnswer(outcome=CheckOutcome.PASS)),
        ("fail", IdentityAnswer(outcome=CheckOutcome.FAIL)),
        ("silent", IdentityAnswer(outcome=CheckOutcome.UNKNOWN)),
        ("another", IdentityAnswer(outcome=CheckOutcome.FAIL, is_of_another=True)),
    ],
)
async def test_the_counterpart_shows_faults_on_demand(
    presented: str, answer: IdentityAnswer
) -> None:
    assert await SandboxSource().check(question(CheckKind.PHONE, presented)) == answer


async def test_the_counterpart_reads_documents_and_gives_no_image() -> None:
    source = SandboxSource()
    gone = await source.check(question(CheckKind.DOCUMENT, "expires:2026-03-01"))
    assert (gone.outcome, gone.document_expires_on) == (CheckOutcome.FAIL, date(2026, 3, 1))
    odd = await source.check(question(CheckKind.DOCUMENT, "expires:soon"))
    assert odd.outcome is CheckOutcome.UNKNOWN
    alive = await source.check(question(CheckKind.LIVENESS))
    assert alive.template_sha256 is not None
    assert len(alive.template_sha256) == 32


async def test_the_house_checks_the_check_character_alone() -> None:
    house = HouseSource()
    assert (await house.check(question(CheckKind.NUMBER))).outcome is CheckOutcome.PASS
    assert (await house.check(question(CheckKind.PHONE))).outcome is CheckOutcome.UNKNOWN


def test_outside_a_sandbox_only_the_house_is_joined() -> None:
    assert set(sources_of(POLICY, is_sandbox=False)) == {"house"}
    assert set(sources_of(POLICY, is_sandbox=True)) == set(POLICY.sources)
