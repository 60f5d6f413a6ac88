"""Reports of the second generation: written from real months, read into what a policy needs."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.bureau.document import ReportMalformedError, read_document
from counterfoil.bureau.fields import FACTS, facts_of, marks_of
from counterfoil.bureau.report import read_report, second_generation
from counterfoil.customers.identity import check_character
from counterfoil.simulator import people
from counterfoil.simulator.bureau.report_writer import (
    Occasion,
    PastInquiry,
    Subject,
    write_report,
)
from counterfoil.simulator.card_clients import ROWS_COUNT, CardClient, client_of
from counterfoil.simulator.recorded_history import recorded_facts

AT = datetime(2026, 1, 3, 12, 30, tzinfo=UTC)
OCCASION = Occasion(report_number="R1", at=AT, inquirer="X000EXAMPLE001", reason_code="02")
#: What the report carries in whole yuan, while the recorded months have two decimals.
ROUNDED = {"utilisation_ppm", "balance_elsewhere_minor"}
clients = st.integers(1, ROWS_COUNT).map(client_of)


def report_of(
    client: CardClient | None, past: tuple[PastInquiry, ...] = (), **marks: bool
) -> bytes:
    subject = Subject(name="张三", id_number="11010519491231002X", client=client, **marks)
    return write_report(subject, OCCASION, past)


def tree(report: bytes) -> ET.Element:
    """Another reader than the product's own, so that a shared fault shows."""
    return ET.fromstring(report)  # noqa: S314 - our own bytes


def items(report: bytes, tag: str) -> list[str]:
    return [element.text or "" for element in tree(report).iter(tag)]


def groups(report: bytes, tag: str) -> list[dict[str, str]]:
    return [
        {child.tag: child.text or "" for child in element} for element in tree(report).iter(tag)
    ]


# What is read is what was recorded


@given(clients)
def test_a_report_says_what_the_recorded_months_say(client: CardClient) -> None:
    read = facts_of(read_report(report_of(client)), FACTS)
    recorded = recorded_facts(client)
    assert read.keys() == recorded.keys()
    exact = recorded.keys() - ROUNDED
    assert {name: read[name] for name in exact} == {name: recorded[name] for name in exact}


@given(clients)
def test_amounts_differ_by_half_a_yuan_at_most(client: CardClient) -> None:
    read = facts_of(read_report(report_of(client)), ROUNDED)
    recorded: Any = recorded_facts(client)
    balance, ppm = read["balance_elsewhere_minor"], read["utilisation_ppm"]
    assert balance is not None
    assert ppm is not None
    assert abs(balance - recorded["balance_elsewhere_minor"]) <= 50
    assert abs(ppm - recorded["utilisation_ppm"]) <= 50 * 1_000_000 // (client.limit_twd * 20) + 1


def test_only_facts_that_are_wanted_leave_the_room() -> None:
    read = facts_of(read_report(report_of(client_of(1))), {"history_months", "sex", "PB01AD01"})
    assert read == {"history_months": 6}


def test_a_person_without_accounts_has_no_months_and_nothing_else_is_known() -> None:
    report = read_report(report_of(None))
    known = {name: value for name, value in facts_of(report, FACTS).items() if value is not None}
    assert known == {"history_months": 0, "credit_elsewhere_minor": 0, "balance_elsewhere_minor": 0}
    assert marks_of(report) == {"thin_file"}


def test_what_somebody_objects_to_speaks_neither_for_nor_against() -> None:
    report = read_report(report_of(client_of(1), is_disputed=True))
    read = facts_of(report, FACTS)
    assert {name for name, value in read.items() if value is not None} == {"credit_elsewhere_minor"}
    assert marks_of(report) == {"disputed"}


def test_a_fraud_warning_is_a_mark_and_changes_no_fact() -> None:
    warned = read_report(report_of(client_of(1), has_fraud_warning=True))
    assert marks_of(warned) == {"fraud_warning"}
    assert facts_of(warned, FACTS) == facts_of(read_report(report_of(client_of(1))), FACTS)


def test_without_the_annex_what_needs_it_is_unknown_and_never_zero() -> None:
    text = report_of(client_of(1))
    start, end = text.index(b"<PXA>"), text.index(b"</PXA>") + len(b"</PXA>")
    read = facts_of(read_report(text[:start] + text[end:]), FACTS)
    assert read["unpaid_months_count"] is None
    assert read["payment_share_ppm"] is None
    assert read["history_months"] == 6


# Invariants of a generated report


def test_the_same_question_gives_the_same_bytes() -> None:
    assert report_of(client_of(7)) == report_of(client_of(7))


@given(clients)
def test_every_tag_is_one_that_the_format_names(client: CardClient) -> None:
    assert read_report(report_of(client, has_fraud_warning=True, is_disputed=True)).unknown == ()


def test_invented_identities_pass_their_check_digit_and_agree_with_the_report() -> None:
    for person in people.invent(200, seed=5, on=date(2026, 1, 3)):
        number = person.id_number
        assert check_character(number[:17]) == number[17]
        subject = Subject(name=person.name, id_number=number, client=person.client)
        text = write_report(subject, OCCASION, [])
        born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
        assert items(text, "PB01AR01") == [born]
        assert items(text, "PB01AD01") == [str(person.client.sex)]


@given(clients, st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_nothing_in_a_report_is_later_than_the_report(client: CardClient, day: date) -> None:
    at = datetime.combine(day, AT.timetz())
    subject = Subject(name="张三", id_number="11010519491231002X", client=client)
    text = write_report(subject, replace(OCCASION, at=at), [])
    for element in tree(text).iter():
        if element.tag[4:6].rstrip("0123456789").endswith("R") and element.tag != "PA01AR01":
            assert (element.text or "") <= day.isoformat()


@given(clients)
def test_two_years_have_a_status_each_month_and_a_limit_is_there(client: CardClient) -> None:
    text = report_of(client)
    months = [group["PD01DR03"] for group in groups(text, "PD01DH")]
    assert len(months) == len(set(months)) == 24
    assert (max(months), min(months)) == ("2025-12", "2024-01")
    assert items(text, "PD01DR01") == ["2024-01"]
    assert items(text, "PD01DR02") == ["2025-12"]
    assert items(text, "PD01AD01") == ["R2"]
    assert int(items(text, "PD01AJ02")[0]) == client.limit_twd // 5


@given(clients)
def test_a_delay_grows_by_one_month_at_a_time(client: CardClient) -> None:
    by_month = sorted((g["PD01DR03"], g["PD01DD01"]) for g in groups(report_of(client), "PD01DH"))
    known = [status for _, status in by_month if status != "#"]
    assert len(known) == 6
    delays = [int(status) if status.isdigit() else 0 for status in known]
    assert all(later <= earlier + 1 for earlier, later in pairwise(delays))


@given(clients)
def test_five_years_list_exactly_the_overdue_months(client: CardClient) -> None:
    text = report_of(client)
    overdue = {
        group["PD01DR03"]: group["PD01DD01"]
        for group in groups(text, "PD01DH")
        if group["PD01DD01"].isdigit()
    }
    listed = groups(text, "PD01EH")
    assert {group["PD01ER03"]: group["PD01ED01"] for group in listed} == overdue
    assert all(int(group["PD01EJ01"]) > 0 for group in listed)
    assert items(text, "PD01ES01") == ([str(len(listed))] if listed else [])


@given(clients)
def test_overdue_totals_are_there_exactly_when_the_month_is_overdue(client: CardClient) -> None:
    text = report_of(client)
    latest = max(groups(text, "PD01DH"), key=lambda group: group["PD01DR03"])["PD01DD01"]
    assert (int(items(text, "PD01CJ06")[0]) > 0) == latest.isdigit()


@given(clients)
def test_the_summary_is_that_of_the_accounts(client: CardClient) -> None:
    text = report_of(client)
    listed = groups(text, "PD01EH")
    assert items(text, "PC02AS01") == ["1"]
    assert items(text, "PC02HJ01") == items(text, "PD01AJ02")
    assert items(text, "PC02HJ04") == items(text, "PD01CJ02")
    assert items(text, "PC02DS03") == ([str(len(listed))] if listed else [])


def test_inquiries_are_newest_first_of_two_years_and_counted() -> None:
    def asked(on: date, reason: str, by: str = "X000EXAMPLE001") -> PastInquiry:
        return PastInquiry(on=on, organisation=by, organisation_type="24", reason_code=reason)

    past = (
        asked(date(2023, 12, 31), "02"),
        asked(date(2025, 12, 20), "02"),
        asked(date(2025, 12, 21), "02", "X000EXAMPLE002"),
        asked(date(2025, 3, 1), "01"),
        asked(date(2025, 12, 30), "own", "self"),
    )
    text = report_of(client_of(1), past)
    assert items(text, "PH010R01") == ["2025-12-30", "2025-12-21", "2025-12-20", "2025-03-01"]
    assert [items(text, f"PC05BS0{n}")[0] for n in (1, 3, 5, 6)] == ["2", "2", "1", "1"]


def test_a_report_names_the_very_inquiry_that_it_answers() -> None:
    report = read_report(report_of(client_of(1)))
    assert (report.inquirer, report.reason_code) == ("X000EXAMPLE001", "02")
    assert report.inquiries == ()


# What is no report


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not well-formed"),
        (b"<Document><PRH>", "not well-formed"),
        (b"<Other><PA01AI01>1</PA01AI01></Other>", "root"),
        (b"<Document><PA01AI01>1</PA01AI01></Document>", "number and a time"),
        (b'<!DOCTYPE Document [<!ENTITY a "b">]><Document>&a;</Document>', "document type"),
        (b"<Document><?do it?></Document>", "instruction"),
        (b"<a>" * 40 + b"</a>" * 40, "too deep"),
        (b"<a>" + b"<b/>" * 200_001 + b"</a>", "too many"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger"),
        (b"\xff\xfe<Document/>", "not well-formed"),
    ],
)
def test_what_is_no_report_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(ReportMalformedError, match=why):
        read_report(text)


@pytest.mark.parametrize("amount", ["12,5", "1e9", "-", "１２", "1.234", "9" * 21])
def test_an_amount_that_is_none_makes_the_report_malformed(amount: str) -> None:
    text = report_of(client_of(1)).replace(
        b"<PD01AJ02>4000</PD01AJ02>", f"<PD01AJ02>{amount}</PD01AJ02>".encode()
    )
    with pytest.raises(ReportMalformedError, match="PD01AJ02"):
        read_report(text)


def test_unknown_tags_and_codes_are_kept_and_break_nothing() -> None:
    text = report_of(client_of(1)).replace(b"</Document>", b"<PZ99A>new</PZ99A></Document>")
    text = text.replace(b"<PD01BD03>2<", b"<PD01BD03>77<")
    report = read_report(text)
    assert report.unknown == (("PZ99A", "new"),)
    assert facts_of(report, FACTS) == facts_of(read_report(report_of(client_of(1))), FACTS)


def test_a_status_that_nobody_knows_is_no_delay_and_no_crash() -> None:
    text = report_of(client_of(1)).replace(b"<PD01DD01>2<", b"<PD01DD01>?<")
    facts = facts_of(read_report(text), FACTS)
    assert facts["late_months_count"] == 0


def test_loans_count_with_their_amount_and_closed_accounts_not_at_all() -> None:
    text = b"""<Document><PA01AI01>1</PA01AI01><PA01AR01>t</PA01AR01>
    <PD01><PD01AD01>D1</PD01AD01><PD01AJ01>1000.5</PD01AJ01><PD01BJ01>900</PD01BJ01></PD01>
    <PD01><PD01AD01>R2</PD01AD01><PD01AJ02>5000</PD01AJ02><PD01BR01>2025-01-01</PD01BR01>
    <PD01BJ01>0</PD01BJ01></PD01></Document>"""
    facts = facts_of(read_report(text), FACTS)
    assert facts["credit_elsewhere_minor"] == 100_050
    assert facts["balance_elsewhere_minor"] == 90_000
    assert facts["utilisation_ppm"] is None


def test_the_tags_document_names_every_tag_that_is_read() -> None:
    tags = second_generation()
    assert {tags["header"]["number"], tags["account"]["block"], "PD01DH"} <= tags.known


def test_an_element_gives_its_first_text_of_a_name() -> None:
    document = read_document(b"<a>x<b>1</b><c><b> 2 </b><d/></c>y</a>")
    assert document.texts(document.root) == {"b": "1", "c": "", "d": ""}
    [inner] = document.of_tag("c")
    assert document.texts(inner) == {"b": "2", "d": ""}
    assert [item.tag for item in document.of_tag("b")] == ["b", "b"]
