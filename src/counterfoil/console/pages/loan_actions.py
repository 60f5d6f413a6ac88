"""Booking a repayment and taking one back: form, preview with entries, one journey."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.entries import EntryView, PostingView, account_name
from counterfoil.console.flow import Action, Crumb, Field, Preview
from counterfoil.console.loan_reading import LoanRead, read_loan, read_repayment
from counterfoil.console.loan_story import tell, told_with_payment, told_without
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.loans import loan_key
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.journeys.borrowing import repay as repaying
from counterfoil.kernel import ids
from counterfoil.ledger import posting
from counterfoil.lending.loan import Loan, Parts
from counterfoil.lending.terms import Prepayment, Terms
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change

#: How the money came in when an operator books it.
CHANNEL: Final = "counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The loan that an action is about, with its transactions and terms."""

    row: Row
    told: LoanRead
    terms: Terms

    @property
    def today(self) -> date:
        """Return the business date."""
        today: date = self.row["business_date"]
        return today

    def loan(self) -> Loan | None:
        """Return the loan as it is, None before its money moved."""
        story = tell(self.told.loan, self.told.history, self.terms, on=self.today)
        return story.loan if story else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A repayment as the form gave it."""

    amount_minor: int
    value_date: date
    mode: Prepayment


async def repay(visit: Visit) -> Response:
    """Book a repayment of one loan."""
    read = await _read(visit)
    if read is None or read.row["status"] != "open":
        return await errors.not_found(visit)
    action = _action(visit, read.row, "repay", "repay", "POST /v1/repayments")
    fields = _repay_fields(visit, read)

    async def plan(reader: FormReader) -> flow.Plan | None:
        asked = _asked(reader, read)
        if asked is None:
            return None
        return flow.Plan(
            preview=partial(_repay_preview, visit, read, asked),
            act=partial(
                repaying.repay,
                visit.desk.house,
                customer_id=read.row["customer_id"],
                line_id=read.row["line_id"],
                loan_id=read.row["loan_id"],
                amount_minor=asked.amount_minor,
                currency=read.row["currency"],
                value_date=asked.value_date,
                channel=CHANNEL,
                mode=asked.mode,
            ),
        )

    today = read.today.isoformat()
    return await flow.run_previewed(
        visit, action, fields, plan, done="repaid", value_date=today, amount=""
    )


async def reverse(visit: Visit) -> Response:
    """Take a repayment back that bounced or was booked in error."""
    read = await _read(visit)
    repayment_id = _repayment(visit)
    if read is None or repayment_id is None:
        return await errors.not_found(visit)
    booked = await read_repayment(visit, read.row["customer_id"], repayment_id)
    if not booked:
        return await errors.not_found(visit)
    name = f"reverse/{ids.to_text(ids.REPAYMENT, repayment_id)}"
    action = _action(visit, read.row, name, "reverse", "POST /v1/repayments/{id}/reversal")
    fields = [
        Field(
            name="reason",
            label=visit.t("line_action.reason"),
            hint=visit.t("line_action.reason_hint"),
        )
    ]

    async def plan(reader: FormReader) -> flow.Plan | None:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return flow.Plan(
            preview=partial(_reverse_preview, visit, read, booked, repayment_id, reason),
            act=partial(
                repaying.reverse,
                visit.desk.house,
                customer_id=read.row["customer_id"],
                line_id=read.row["line_id"],
                repayment_id=repayment_id,
                reason=reason,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="reversed")


async def _read(visit: Visit) -> Read | None:
    found = loan_key(visit)
    if found is None:
        return None
    key = {"customer_id": found[0], "loan_id": found[1]}
    async with visit.reading() as connection:
        row = await READING.loan.fetchrow(connection, **key)
        if row is None:
            return None
    terms = visit.desk.terms(row["product_code"], row["product_version"])
    return Read(row=row, told=await read_loan(visit, *found), terms=terms)


def _repayment(visit: Visit) -> int | None:
    try:
        return ids.from_text(ids.REPAYMENT, visit.request.path_params["repayment"])
    except ids.InvalidIdError:
        return None


def _action(visit: Visit, row: Row, name: str, kind: str, api_call: str) -> Action:
    href = words.loan_href(row["customer_id"], row["loan_id"])
    return Action(
        name=kind,
        title=visit.t(f"{kind}.action"),
        intro=visit.t(f"{kind}.intro"),
        path=f"{href}/{name}",
        record=Crumb(label=ids.to_text(ids.LOAN, row["loan_id"]), href=href),
        journey=f"journeys.borrowing.repay.{kind}",
        api_call=api_call,
    )


def _repay_fields(visit: Visit, read: Read) -> list[Field]:
    currency = visit.formats.currency(read.row["currency"])
    return [
        Field(
            name="amount",
            label=visit.t("repay.amount", currency=currency),
            inputmode="decimal",
            hint=visit.t("repay.amount_hint"),
        ),
        Field(
            name="value_date",
            label=visit.t("loan.value_date"),
            kind="date",
            hint=visit.t("repay.value_date_hint"),
        ),
        Field(
            name="mode",
            label=visit.t("repay.mode"),
            kind="select",
            hint=visit.t("repay.mode_hint"),
            choices=[
                (mode.value, visit.catalogue.label("prepayment", mode.value))
                for mode in read.terms.prepayments
            ],
        ),
    ]


def _asked(reader: FormReader, read: Read) -> Asked | None:
    amount_minor = reader.amount_minor("amount", read.row["currency"])
    value_date = reader.day("value_date")
    mode = reader.choice("mode", [mode.value for mode in read.terms.prepayments])
    if value_date is not None:
        start = read.row["start_date"]
        if not start <= value_date <= read.today:
            reader.refuse("value_date", "repay.value_date_range", first=start, last=read.today)
    if amount_minor is None or value_date is None or mode is None or not reader.is_valid:
        return None
    return Asked(amount_minor=amount_minor, value_date=value_date, mode=Prepayment(mode))


def _repay_preview(visit: Visit, read: Read, asked: Asked) -> Preview:
    before = read.loan()
    assert before is not None, "an open loan has a disbursement"
    after, parts = told_with_payment(
        read.told.loan,
        read.told.history,
        read.terms,
        amount_minor=asked.amount_minor,
        value_date=asked.value_date,
        mode=asked.mode,
        on=read.today,
    )
    t, f, currency = visit.t, visit.formats, read.row["currency"]
    notes = [t("repay.pays", principal=f.amount(parts.principal_minor, currency),
               interest=f.amount(parts.interest_minor, currency),
               penalty=f.amount(parts.penalty_minor, currency),
               excess=f.amount(parts.excess_minor, currency))]  # fmt: skip
    if fee_minor := parts.fee_minor + parts.guarantee_minor:
        notes.append(t("repay.pays_fees", fees=f.money(fee_minor, currency)))
    if parts.excess_minor:
        notes.append(t("repay.excess_kept"))
    if asked.value_date < read.today:
        notes.append(t("repay.late_booking"))
    return Preview(
        changes=_loan_changes(visit, read.row, before, after),
        entries=[_expected_entry(visit, parts, read.row, "repayment", sign=1)],
        notes=notes,
        confirm=t("repay.confirm", amount=f.money(asked.amount_minor, currency)),
    )


def _reverse_preview(
    visit: Visit, read: Read, booked: Sequence[Row], repayment_id: int, reason: str
) -> Preview:
    before = read.loan()
    told = read.told
    after = told_without(told.loan, told.history, read.terms, repayment_id, on=read.today)
    assert before is not None, "a loan that was repaid has a disbursement"
    t, f, currency = visit.t, visit.formats, read.row["currency"]
    whole = sum(row["amount_minor"] for row in booked if row["kind"] == "repayment")
    parts = Parts(*(sum(row[name] for row in booked) for name in Parts._fields))
    loans = {row["loan_id"] for row in booked}
    notes = [t("reverse.gives_back", amount=f.money(whole, currency)), reason]
    if len(loans) > 1:
        notes.append(t("reverse.several_loans", count=len(loans)))
    return Preview(
        changes=_loan_changes(visit, read.row, before, after),
        entries=[_expected_entry(visit, parts, read.row, "reversal", sign=-1)],
        notes=notes,
        confirm=t("reverse.confirm", amount=f.money(whole, currency)),
        is_destructive=True,
    )


def _loan_changes(visit: Visit, row: Row, before: Loan, after: Loan) -> list[Change]:
    f, t, currency = visit.formats, visit.t, row["currency"]

    def amount(label: str, old: int, new: int) -> Change:
        return Change(label=t(label), before=f.money(old, currency), after=f.money(new, currency))

    return [
        amount("loan.balance", before.principal_minor, after.principal_minor),
        amount("loan.due_principal", before.due_principal_minor, after.due_principal_minor),
        amount("loan.due_interest", before.due_interest_minor, after.due_interest_minor),
        amount("loan.instalment_amount", before.instalment_minor, after.instalment_minor),
        Change(
            label=t("loan.next_due"),
            before=f.day(before.next_due_date),
            after=f.day(after.next_due_date),
        ),
        Change(
            label=t("loan.bucket"),
            before=words.BUCKETS[before.bucket],
            after=words.BUCKETS[after.bucket],
        ),
        Change(
            label=t("loan.status"),
            before=visit.catalogue.label("loan_status", before.status),
            after=visit.catalogue.label("loan_status", after.status),
        ),
    ]


def _expected_entry(visit: Visit, parts: Parts, row: Row, kind: str, *, sign: int) -> EntryView:
    """Return the entry that the posting rule makes of these parts."""
    expected = posting.payment(
        principal_minor=sign * parts.principal_minor,
        interest_minor=sign * parts.interest_minor,
        penalty_minor=sign * parts.penalty_minor,
        excess_minor=sign * parts.excess_minor,
        fee_minor=sign * parts.fee_minor,
        guarantee_minor=sign * parts.guarantee_minor,
    )
    return EntryView(
        record=visit.t("ledger.not_yet"),
        href="",
        kind=words.code_label(visit, "journal", kind),
        book_date=visit.formats.day(row["business_date"]),
        postings=[
            PostingView(
                account=str(account),
                account_name=account_name(visit, account),
                account_href=words.account_href(account),
                debit=visit.formats.amount(amount if amount > 0 else None, row["currency"]),
                credit=visit.formats.amount(-amount if amount < 0 else None, row["currency"]),
            )
            for account, amount in zip(expected.accounts, expected.amounts, strict=True)
        ],
    )


_LOAN: Final = "/customers/{customer}/loans/{loan}"

PAGES: Final = (
    Page(path=f"{_LOAN}/repay", show=repay, submit=repay, permission=Permission.REPAY),
    Page(
        path=f"{_LOAN}/reverse/{{repayment}}",
        show=reverse,
        submit=reverse,
        permission=Permission.REVERSE,
    ),
)
