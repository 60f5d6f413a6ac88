"""A quote: the plan and the cost sheet of a drawdown, and the token that proves they were shown.

Invariant   A token speaks for one customer, line, amount, tenor, method, price, product version,
            agreement, business date, cost sheet, loan note and, in a scene, purchase and payee; a
            change of any of them makes it another drawdown's. No row is kept: the token is its own
            record, signed with the installation's key.
Units       Minor units, rates in 1e-8 per day.
Form        `q2.` payload `.` signature; the payload is ASCII joined by colons, the signature
            HMAC-SHA-256 over everything before its dot, both in base64url without padding.
Follows     RFC 2104 (HMAC), RFC 4648 section 5 (base64url).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Agreement, Draw
from counterfoil.lending.cost import CostSheet, document_hash, first_form, make_cost_sheet
from counterfoil.lending.drawing import (
    posix_ms,
    quote_loan,
    refuse_amount,
    refuse_now,
    refuse_terms,
    refuse_unsigned,
)
from counterfoil.lending.interest import payable
from counterfoil.lending.line import Line, availability
from counterfoil.lending.loan import Loan, accrue, advance, fees_of_payoff, plan
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.terms import Method

#: The second form: with the time of showing.
_PREFIX = "q2."
_METHODS = {method.value: method for method in Method}

#: Longer than any token that was ever signed; nothing longer is looked at.
_TOKEN_LENGTH_MAX = 640

_MS = 1_000

#: Claims that stand in a token as they are, the first of them all.
_PLAIN = 12

#: An installation signs with one key, and with another after a change.
_KEYS_KNOWN = 4

_OF_PROMOTION = 3
_OF_PURCHASE = 2

#: A key shorter than the hash would be the weakest part of the signature.
KEY_LENGTH_MIN = 32


class PromotionClaim(NamedTuple):
    """The promotion that a price rests on, as a token names it."""

    promotion_id: int
    #: Interest of the plan that the customer does not pay, minor units.
    cost_minor: int
    #: The daily price without it, 1e-8.
    rate_without_daily_e8: int


class PurchaseClaim(NamedTuple):
    """The purchase of a scene that a drawdown pays for, as a token names it."""

    purchase_id: int
    #: The version of the merchant's payee that the loan note names.
    payee_version_no: int


class QuoteClaims(NamedTuple):
    """What a token speaks for."""

    customer_id: int
    line_id: int
    amount_minor: int
    currency: str
    tenor_months: int
    method: Method
    rate_daily_e8: int
    repayment_day: int
    product_code: str
    product_version: int
    contract_id: int
    note_ref: str
    business_date: date
    sheet_hash: bytes
    note_hash: bytes
    #: When the sheet was handed out, in POSIX milliseconds by the server's clock, and for how many
    #: milliseconds at least it is to be read before it is agreed to.
    shown_ms: int = 0
    reading_ms: int = 0
    #: None where the price is that of everybody.
    promotion: PromotionClaim | None = None
    #: None for cash.
    purchase: PurchaseClaim | None = None


class Note(NamedTuple):
    """The loan note of a drawdown, as it is shown and confirmed."""

    #: Template, version and language.
    ref: str
    text: str
    sha256: bytes


class Priced(NamedTuple):
    """A drawdown with what it would cost; a loan that is shown and never stored."""

    loan: Loan
    rows: tuple[PlanRow, ...]
    sheet: CostSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedPrice:
    """A promotion in a quote: what the drawdown costs without it stands beside it."""

    code: str
    name_en: str
    name_zh: str
    #: The last day on which it holds.
    last_day: date
    claim: PromotionClaim
    #: All-in yearly cost and total to pay without it.
    rate_annual_effective_without_e8: int
    total_without_minor: int

    def document(self) -> dict[str, object]:
        """Return the promotion as it is answered."""
        return {
            "code": self.code,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
            "last_day": self.last_day.isoformat(),
            "saved_minor": self.claim.cost_minor,
            "rate_daily_without_e8": self.claim.rate_without_daily_e8,
            "rate_annual_effective_without_e8": self.rate_annual_effective_without_e8,
            "total_without_minor": self.total_without_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a drawdown would cost if its money arrived today."""

    customer_id: int
    line_id: int
    rows: tuple[PlanRow, ...]
    sheet: CostSheet
    note: Note
    #: The business date on which the token is taken, and no other.
    valid_on: date
    #: Seconds after which the token can be drawn with, so that the sheet can be read.
    reading_seconds: int
    token: str
    #: None where the price is that of everybody.
    promotion: PromotedPrice | None = None
    #: What can be drawn on the line now, minor units; 0 while its state forbids drawing.
    available_minor: int = 0
    #: What the line would answer to a drawdown of this now; None where it would pay it out.
    refused_now: Refused | None = None

    def document(self) -> dict[str, object]:
        """Return the quote as it is answered; its `cost_sheet` is what the hash is taken of.

        Whether it can be drawn now stands in the fields, for whoever knows the reader's language.
        """
        return {
            "customer_id": ids.to_text(ids.CUSTOMER, self.customer_id),
            "line_id": ids.to_text(ids.LINE, self.line_id),
            "valid_on": self.valid_on.isoformat(),
            "reading_seconds": self.reading_seconds,
            "cost_sheet": self.sheet.document(),
            "cost_sheet_hash": self.sheet.sheet_hash.hex(),
            "note": {
                "ref": self.note.ref,
                "text": self.note.text,
                "sha256": self.note.sha256.hex(),
            },
            "promotion": None if self.promotion is None else self.promotion.document(),
            "quote_token": self.token,
            "available_minor": self.available_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffQuote:
    """What closes a loan to exactly zero on a date, if nothing is paid before it."""

    customer_id: int
    loan_id: int
    currency: str
    #: The amount holds for money that arrives on this day.
    on: date
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: Fees that have fallen due, and those for repaying early: the lender's and a guarantor's.
    fee_minor: int
    guarantee_minor: int
    #: Fees of instalments to come that are not earned, so not owed.
    fee_saved_minor: int
    #: Interest that the plan still foresaw and that is not charged.
    interest_saved_minor: int

    @property
    def amount_minor(self) -> int:
        """Return what has to be paid."""
        return (
            self.principal_minor
            + self.interest_minor
            + self.penalty_minor
            + self.fee_minor
            + self.guarantee_minor
        )

    def document(self) -> dict[str, object]:
        """Return the quote as it is answered."""
        return {
            "customer_id": ids.to_text(ids.CUSTOMER, self.customer_id),
            "loan_id": ids.to_text(ids.LOAN, self.loan_id),
            "on": self.on.isoformat(),
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "principal_minor": self.principal_minor,
            "interest_minor": self.interest_minor,
            "penalty_minor": self.penalty_minor,
            "fee_minor": self.fee_minor,
            "guarantee_minor": self.guarantee_minor,
            "fee_saved_minor": self.fee_saved_minor,
            "interest_saved_minor": self.interest_saved_minor,
        }


def quote_drawdown(
    line: Line,
    command: Draw,
    setting: Setting,
    *,
    key: bytes,
    write_note: Callable[[Priced], Note],
    reading_seconds: int | None = None,
    rate_daily_e8: int | None = None,
    promotion: PromotedPrice | None = None,
    purchase: PurchaseClaim | None = None,
) -> Quote | Refused:
    """Return the quote of a drawdown, or why the product does not lend it.

    It costs what the line costs where no price is given, and never more. The sheet is to be read
    for as long as the product says where nothing else is given. `promotion` is what the price
    rests on, `purchase` what the money pays for in a scene.

    A quote is about the price, not about permission: what the line allows at the moment is
    decided when the drawdown is, and told in `refused_now` before. Without a signed agreement there
    is nothing to quote under.
    """
    refused = refuse_unsigned(line)
    if refused:
        return refused
    priced = price_drawdown(line, command, setting, rate_daily_e8=rate_daily_e8)
    if isinstance(priced, Refused):
        return priced
    note = write_note(priced)
    seconds = setting.terms.reading_seconds_min if reading_seconds is None else reading_seconds
    claims = claims_of(priced, note, setting.business_date)._replace(
        shown_ms=posix_ms(setting.now),
        reading_ms=seconds * _MS,
        promotion=None if promotion is None else promotion.claim,
        purchase=purchase,
    )
    return Quote(
        customer_id=line.customer_id,
        line_id=line.line_id,
        rows=priced.rows,
        sheet=priced.sheet,
        note=note,
        valid_on=setting.business_date,
        reading_seconds=seconds,
        token=sign_quote(key, claims),
        promotion=promotion,
        available_minor=availability(line, setting.business_date).available_minor,
        refused_now=refuse_now(line, command.amount_minor, setting),
    )


def price_drawdown(
    line: Line, command: Draw, setting: Setting, *, rate_daily_e8: int | None = None
) -> Priced | Refused:
    """Return the loan that a drawdown would become, with its plan and cost sheet."""
    refused = refuse_amount(command.amount_minor, command.currency, line) or refuse_terms(
        command, setting.terms
    )
    if refused:
        return refused
    loan = quote_loan(line, command, setting, rate_daily_e8=rate_daily_e8)
    rows = tuple(plan(loan))
    sheet = make_cost_sheet(loan, rows, setting.terms)
    return sheet if isinstance(sheet, Refused) else Priced(loan, rows, sheet)


def sheet_of_hash(priced: Priced, digest: bytes) -> dict[str, object] | None:
    """Return the sheet of a drawdown in the form that has this hash, None where none has it.

    Sheets of before fees were charged are found in their own form.
    """
    document = priced.sheet.document()
    if priced.sheet.sheet_hash == digest:
        return document
    older = first_form(document)
    return older if not priced.loan.fees and document_hash(older) == digest else None


def claims_of(priced: Priced, note: Note, business_date: date) -> QuoteClaims:
    """Return what a token for this drawdown speaks for."""
    loan = priced.loan
    assert loan.contract_id is not None, "a drawdown is quoted under an agreement"
    return QuoteClaims(
        customer_id=loan.customer_id,
        line_id=loan.line_id,
        amount_minor=loan.original_minor,
        currency=loan.currency,
        tenor_months=loan.tenor_months,
        method=loan.method,
        rate_daily_e8=loan.rate_daily_e8,
        repayment_day=loan.repayment_day,
        product_code=loan.product_code,
        product_version=loan.product_version,
        contract_id=loan.contract_id,
        note_ref=note.ref,
        business_date=business_date,
        sheet_hash=priced.sheet.sheet_hash,
        note_hash=note.sha256,
    )


def sign_quote(key: bytes, claims: QuoteClaims) -> str:
    """Return the token of some claims."""
    assert len(key) >= KEY_LENGTH_MIN
    payload = ":".join(
        (
            *map(str, claims[:_PLAIN]),
            str(claims.business_date.toordinal()),
            claims.sheet_hash.hex(),
            claims.note_hash.hex(),
            str(claims.shown_ms),
            str(claims.reading_ms),
            *map(str, claims.promotion or ()),
            *map(str, claims.purchase or ()),
        )
    )
    signed = _PREFIX + urlsafe_b64encode(payload.encode()).rstrip(b"=").decode()
    return f"{signed}.{_signature(key, signed).decode()}"


def open_quote(key: bytes, token: str) -> QuoteClaims | None:
    """Return the claims of a token, or None where this key did not sign it.

    On the path of every drawdown: nothing is parsed before the signature holds.
    """
    signed, _, signature = token.rpartition(".")
    if not token.isascii() or len(token) > _TOKEN_LENGTH_MAX or not signed.startswith(_PREFIX):
        return None
    if not hmac.compare_digest(signature.encode(), _signature(key, signed)):
        return None
    return _claims(signed[len(_PREFIX) :])


def matches(claims: QuoteClaims, command: Draw) -> Refused | None:
    """Refuse a drawdown that is not the one quoted.

    Whether the quote is still valid is decided with the drawdown, so that a repeated request gets
    its first answer again on any later day.
    """
    if (
        claims.customer_id != command.customer_id
        or claims.line_id != command.line_id
        or claims.amount_minor != command.amount_minor
        or claims.currency != command.currency
        or claims.tenor_months != command.tenor_months
        or claims.method != command.method
    ):
        return refuse(refusals.QUOTE_INVALID)
    return None


def agreement_of(claims: QuoteClaims) -> Agreement:
    """Return what the customer agreed to."""
    return Agreement(
        claims.rate_daily_e8,
        claims.repayment_day,
        claims.product_version,
        claims.business_date,
        claims.contract_id,
        claims.note_ref,
        claims.note_hash,
        claims.shown_ms,
        claims.reading_ms,
    )


def quote_payoff(loan: Loan, on: date) -> PayoffQuote:
    """Return what closes an open loan on a date that lies not before its last event."""
    assert loan.status == "open"
    foreseen = _foreseen(loan, on)
    twin = loan.copy()
    advance(twin, on)
    accrue(twin, on)
    interest = twin.due_interest_minor + payable(twin.accrued_interest_e8)
    fees = fees_of_payoff(twin)
    interest_foreseen = sum(row.interest_minor for row in foreseen)
    return PayoffQuote(
        customer_id=loan.customer_id,
        loan_id=loan.loan_id,
        currency=loan.currency,
        on=on,
        principal_minor=twin.principal_minor,
        interest_minor=interest,
        penalty_minor=payable(twin.accrued_penalty_e8),
        fee_minor=fees.fee_minor,
        guarantee_minor=fees.guarantee_minor,
        fee_saved_minor=sum(row.fee_minor for row in foreseen),
        interest_saved_minor=max(0, interest_foreseen - payable(twin.accrued_interest_e8)),
    )


def _foreseen(loan: Loan, on: date) -> list[PlanRow]:
    """Return the instalments that are still to come after a date."""
    twin = loan.copy()
    advance(twin, on)
    return plan(twin)


def _signature(key: bytes, signed: str) -> bytes:
    """Return the signature as it stands in a token: 32 bytes leave one sign of padding."""
    sealed = _sealing(key).copy()
    sealed.update(signed.encode())
    return urlsafe_b64encode(sealed.digest())[:-1]


@lru_cache(maxsize=_KEYS_KNOWN)
def _sealing(key: bytes) -> hmac.HMAC:
    """Return what begins every signature of a key: setting it up costs as much as signing."""
    return hmac.new(key, digestmod=sha256)


def _claims(text: str) -> QuoteClaims | None:
    """Return the claims of a payload whose signature holds."""
    try:
        # Two signs of padding are never too few, and more than needed are passed over.
        payload = urlsafe_b64decode(text + "==").decode("ascii")
        fields = payload.split(":")
        customer, line, amount, currency, tenor, method, rate, day, code, version = fields[:10]
        contract, note_ref, on, sheet, note, shown, reading, *rest = fields[10:]
        # A promotion has three figures, a purchase two: how many there are says which.
        has_purchase = len(rest) in (_OF_PURCHASE, _OF_PROMOTION + _OF_PURCHASE)
        promotion = rest[:-_OF_PURCHASE] if has_purchase else rest
        purchase = rest[-_OF_PURCHASE:] if has_purchase else []
        return QuoteClaims._make(
            (
                int(customer),
                int(line),
                int(amount),
                currency,
                int(tenor),
                _METHODS[method],
                int(rate),
                int(day),
                code,
                int(version),
                int(contract),
                note_ref,
                date.fromordinal(int(on)),
                bytes.fromhex(sheet),
                bytes.fromhex(note),
                int(shown),
                int(reading),
                PromotionClaim(*map(int, promotion)) if promotion else None,
                PurchaseClaim(*map(int, purchase)) if purchase else None,
            )
        )
    except (Base64Error, KeyError, TypeError, ValueError):
        # Signed with the right key by something that is not this module.
        return None
