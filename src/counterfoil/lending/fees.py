"""What a fee comes to, and for whom it is; loans without fees never come here.

Invariant   A fee is charged by the conditions that were signed with the loan and by no other. What
            has not fallen due is not owed: a loan repaid early owes no fee of a later instalment.
Units       Minor units; shares in 1e-8.
Rounding    Halves up, once for each time a fee is asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import NamedTuple

import orjson

from counterfoil.kernel.money import E8
from counterfoil.lending.terms import Fee, FeeBasis, FeeTiming

#: The payee that is not the lender: what is collected for it is a liability.
GUARANTOR = "guarantor"


class Charged(NamedTuple):
    """Fees of one occasion by whom they are for, minor units."""

    fee_minor: int
    guarantee_minor: int

    @property
    def total_minor(self) -> int:
        """Return what is asked for."""
        return self.fee_minor + self.guarantee_minor


NO_FEE = Charged(0, 0)


def charge_minor(fee: Fee, base_minor: int) -> int:
    """Return what a fee comes to on a basis of so much; the basis of a fixed one does not count."""
    amount = fee.amount_minor
    if fee.basis is not FeeBasis.FIXED:
        amount = (base_minor * fee.share_e8 + E8 // 2) // E8
    return amount if fee.cap_minor is None else min(amount, fee.cap_minor)


def with_instalment(
    fees: Sequence[Fee], *, is_first: bool, original_minor: int, outstanding_minor: int
) -> Charged:
    """Return what falls due with an instalment; `outstanding_minor` has not fallen due before."""
    return _sum(
        (fee, instalment_fee_minor(fee, original_minor, outstanding_minor))
        for fee in fees
        if fee.timing is FeeTiming.EACH_INSTALMENT
        or (is_first and fee.timing is FeeTiming.FIRST_INSTALMENT)
    )


def instalment_fee_minor(fee: Fee, original_minor: int, outstanding_minor: int) -> int:
    """Return what one fee comes to with an instalment that it is asked for with."""
    is_original = fee.basis is FeeBasis.ORIGINAL_PRINCIPAL
    return charge_minor(fee, original_minor if is_original else outstanding_minor)


def when_late(fees: Sequence[Fee]) -> Charged:
    """Return what an instalment costs that is unpaid after the days of grace."""
    return _sum((fee, charge_minor(fee, 0)) for fee in fees if fee.timing is FeeTiming.LATE)


def when_early(fees: Sequence[Fee], principal_minor: int) -> Charged:
    """Return what repaying so much principal before it falls due costs."""
    return _sum(
        (fee, charge_minor(fee, principal_minor))
        for fee in fees
        if fee.timing is FeeTiming.EARLY_REPAYMENT
    )


def principal_within(fees: Sequence[Fee], amount_minor: int, most_minor: int) -> int:
    """Return the most principal that an amount repays early together with its fee.

    Principal and fee grow together, so it is found by halving. A minor unit may be left that is
    too little for both: nobody asks for it.
    """
    low, high = 0, min(amount_minor, most_minor)
    while low < high:
        middle = (low + high + 1) // 2
        if middle + when_early(fees, middle).total_minor <= amount_minor:
            low = middle
        else:
            high = middle - 1
    return low


def fees_to_text(fees: Sequence[Fee]) -> str | None:
    """Return the fees of a loan as they are kept with it, None where it has none."""
    return orjson.dumps([asdict(fee) for fee in fees]).decode() if fees else None


def fees_from_text(text: str) -> tuple[Fee, ...]:
    """Return the fees that were kept with a loan."""
    return tuple(
        Fee(**item | {"timing": FeeTiming(item["timing"]), "basis": FeeBasis(item["basis"])})
        for item in orjson.loads(text)
    )


def _sum(charges: Iterable[tuple[Fee, int]]) -> Charged:
    lender = guarantor = 0
    for fee, amount in charges:
        if fee.payee == GUARANTOR:
            guarantor += amount
        else:
            lender += amount
    return Charged(lender, guarantor)
