"""Aliases: one number for each record and recipient, there and back, and nobody else's."""

import re
import tomllib
from collections.abc import Callable
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.privacy.alias import Aliases, aliases_in
from counterfoil.privacy.data_register import load_register

ANALYST, SUPPORT = Aliases(b"analyst's key" * 3), Aliases(b"support's key" * 3)
NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)
KINDS = st.sampled_from(sorted(ids.OF_CUSTOMERS))
#: Kind of what is about no customer → its table in the register.
HOUSE_TABLES = {
    ids.API_KEY: "platform.api_key",
    ids.APPROVAL: "platform.approval",
    ids.EXPERIMENT: "decisioning.experiment",
    ids.ASSESSMENT: "privacy.assessment",
    ids.INCIDENT: "privacy.incident",
    ids.DATA_EXPORT: "privacy.data_export",
    ids.EMERGENCY: "platform.emergency",
    ids.ATTRIBUTE: "platform.attribute_grant",
    ids.TRAINING: "platform.training",
    ids.MERCHANT: "lending.scene_licence",
    ids.HOST: "hosts.host_version",
    ids.CAMPAIGN: "hosts.campaign",
    ids.AGREEMENT_NOTICE: "contracts.notice_run",
}


@given(kind=KINDS, number=NUMBERS)
def test_a_number_comes_back_from_its_alias_and_from_no_other_key(kind: str, number: int) -> None:
    alias = ANALYST.of(kind, number)
    assert ANALYST.read(alias) == (kind, number)
    assert alias != SUPPORT.of(kind, number)
    # By chance once in 131,072, and then it is no record's number.
    assert SUPPORT.read(alias) is None or SUPPORT.read(alias) != (kind, number)
    assert ids.read(alias) is None
    assert ids.texts_in(f" {alias} ") == []
    assert aliases_in(f"({alias})") == [alias]


@given(kind=KINDS, numbers=st.sets(NUMBERS, min_size=2, max_size=40))
def test_no_two_records_share_an_alias(kind: str, numbers: set[int]) -> None:
    assert len({ANALYST.of(kind, number) for number in numbers}) == len(numbers)


@given(number=NUMBERS, kinds=st.lists(KINDS, min_size=2, max_size=2, unique=True))
def test_an_alias_says_nothing_of_another_kind(number: int, kinds: list[str]) -> None:
    first, second = (ANALYST.of(kind, number) for kind in kinds)
    assert first[3:] != second[3:]
    assert ANALYST.read(kinds[1] + first[2:]) != (kinds[1], number)


def test_the_times_of_two_records_do_not_show_in_their_aliases() -> None:
    """A record's own number begins with its millisecond; those of one morning look alike."""
    begun = 3 << 58
    assert len({ids.to_text(ids.LOAN, begun + n)[:12] for n in range(50)}) == 1
    assert len({ANALYST.of(ids.LOAN, begun + n)[:8] for n in range(50)}) > 40


@given(
    around=st.tuples(st.text(), st.text()).filter(
        lambda two: not re.search(r"\w_?\w", "".join(two))
    ),
    kind=KINDS,
    number=NUMBERS,
)
def test_texts_go_out_and_come_back_in(around: tuple[str, str], kind: str, number: int) -> None:
    text = f"{around[0]} /customers/{ids.to_text(kind, number)}?x=1 {around[1]}"
    shown = ANALYST.give_out(text)
    assert ids.to_text(kind, number) not in shown
    assert ANALYST.take_in(shown) == text
    assert ANALYST.take_in(shown.upper()).lower() == text.lower()  # type: ignore[union-attr]


def _with_letters_for_noughts(reference: str) -> str:
    return reference[:5] + reference[5:].replace("0", "o")


@given(
    kind=st.sampled_from([ids.LINE, ids.LOAN]),
    number=NUMBERS,
    write=st.sampled_from(
        [
            str,
            str.lower,
            grouped,
            "for{}!".format,
            "%20".join,
            "-".join,
            "\u3000".join,
            _with_letters_for_noughts,
        ]
    ),
)
def test_a_payment_reference_goes_out_as_the_alias_of_what_it_names(
    kind: str, number: int, write: Callable[[str], str]
) -> None:
    written = write(reference_of(kind, number))
    for text in (written, f"repay {written} thank you"):
        shown = ANALYST.give_out(text)
        assert ANALYST.of(kind, number) in shown
        assert not isinstance(ANALYST.take_in(shown), Refused)
        taken = ANALYST.take_in(text)
        assert isinstance(taken, Refused)
        assert taken.code == "alias_missing"


def test_letters_of_a_reference_in_a_number_or_an_alias_are_none() -> None:
    numbers = [f"/hosts/ho_0rf12d1234567/{'x' * 9}", f"/loans/lox_7rf12d123456789a/{'x' * 9}"]
    for text in [*numbers, numbers[1].upper()]:
        assert ANALYST.give_out(text) == text
    assert ANALYST.take_in(numbers[0]) == numbers[0]
    own = ids.to_text(ids.LOAN, ids.from_text(ids.LOAN, "lo_0rf12d1234567"))
    assert ANALYST.give_out(f"{own} and more") == f"{ANALYST.give_out(own)} and more"


def test_a_mistyped_reference_goes_out_as_nothing_that_leads_to_its_record() -> None:
    wrong = reference_of(ids.LOAN, 77 << 30)[:-1] + "9"
    assert ANALYST.give_out(f"loan {grouped(wrong)}, paid") == "loan RF--, paid"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"see {SUPPORT.of(ids.LOAN, 7)}", "record_number_of_another"),
        (ANALYST.of(ids.LOAN, 7)[:-1], "record_number_of_another"),
        (ANALYST.of(ids.LOAN, 7) + "0", "record_number_of_another"),
        ("lox_", "record_number_of_another"),
        (ids.to_text(ids.LOAN, 7), "alias_missing"),
        (ids.to_text(ids.LOAN, 7).upper(), "alias_missing"),
        # Its beginning finds it as well.
        (ids.to_text(ids.CUSTOMER, 7)[:7], "alias_missing"),
    ],
)
def test_what_is_not_the_recipients_is_refused(text: str, code: str) -> None:
    taken = ANALYST.take_in(text)
    assert isinstance(taken, Refused)
    assert taken.code == code


@pytest.mark.parametrize(
    "text",
    ["av_0000000000007", ids.to_text(ids.EXPERIMENT, 9), "ad_hoc", "status=open&after=", "", "x_"],
)
def test_whatever_is_about_no_customer_stays_as_it_is(text: str) -> None:
    assert ANALYST.give_out(text) == text
    assert ANALYST.take_in(text) == text


def test_every_kind_is_a_customers_unless_the_register_keeps_it_as_the_houses() -> None:
    """A new kind of identifier is behind aliases until somebody says whose it is."""
    tables = load_register().tables
    assert set(HOUSE_TABLES) == ids.OF_THE_HOUSE
    for table in HOUSE_TABLES.values():
        assert tables[table].data_class == "house", table
        assert "customer_id" not in tables[table].every_column, table
    words = tomllib.loads(
        resources.files("counterfoil.console").joinpath("locale/en.toml").read_text("utf-8")
    )
    assert set(words["record"]) <= ids.OF_CUSTOMERS | ids.OF_THE_HOUSE
    assert {ids.CUSTOMER, ids.LINE, ids.LOAN, ids.TRAIL, ids.LEAF, ids.ROW} <= ids.OF_CUSTOMERS
