"""What the name of a product in the case file says about its conventions.

The cases name their product and leave some of its settings to the name; here they are data. A word
that is not known makes the case unsupported, for it may change figures.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from counterfoil.lending.conventions.delinquency import Bucket
from counterfoil.lending.conventions.settings import (
    Compounding,
    NotCovered,
    Payoff,
    Prepayment,
)
from counterfoil.lending.conventions.terms import LateFee, Rest

#: Words that say what other inputs say too, or that change no figure a case asserts.
KNOWN_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        LP1 LP2 INTEREST FLAT DECLINING BALANCE PERIOD DAILY SAME AS PAYMENT SAR STRATEGY DUE IN
        ADVANCE ADV PYMNT PMT EMI 360 30 365 ACTUAL RECALCULATION REPAYMENT TILL PRECLOSE REST
        FREQUENCY COMPOUNDING NONE MONTHLY RESCHEDULE REDUCE NR INST RESCH NEXT REP MULTIDISB
        DOWNPAYMENT AUTO ADVANCED ALLOCATION ALLOC PROGRESSIVE LOAN SCHEDULE HORIZONTAL INSTALLMENT
        LEVEL DELINQUENCY OVERDUE FROM AMOUNT 1MONTH
        """,
    )
)
PLAIN_NAMES = frozenset({"LP1 (default loan)"})

#: The late fee of the products that have one: percent of the overdue amount.
LATE_FEE_SHARE = Fraction(15, 1000)
#: Down payment of the products that have one and whose case does not state it.
DOWN_PAYMENT_SHARE = Fraction(1, 4)

#: Ranges of days past due of the products with delinquency by instalment.
BUCKETS = (
    Bucket("RANGE_1", 1, 3),
    Bucket("RANGE_3", 4, 30),
    Bucket("RANGE_30", 31, 60),
    Bucket("RANGE_60", 61, 90),
    Bucket("RANGE_90", 91, 120),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The settings a product's name stands for."""

    rest: Rest
    prepayment: Prepayment
    payoff: Payoff | None
    compounding: Compounding
    late_fee: LateFee | None
    down_payment_share: Fraction
    down_payment_collected: bool
    has_buckets: bool


#: A case without a product leaves these open.
UNNAMED = Product(
    rest=Rest.UNSTATED,
    prepayment=Prepayment.NEXT_INSTALMENT,
    payoff=None,
    compounding=Compounding.NONE,
    late_fee=None,
    down_payment_share=Fraction(0),
    down_payment_collected=False,
    has_buckets=False,
)


def product_of(name: str) -> Product:
    """Return the settings of a product by its name."""
    unknown = [] if name in PLAIN_NAMES else sorted(set(name.split("_")) - KNOWN_WORDS)
    if unknown:
        raise NotCovered(f"the product's settings {', '.join(unknown)}")
    return Product(
        rest=_rest(name),
        prepayment=_prepayment(name),
        payoff=_payoff(name),
        compounding=_compounding(name),
        late_fee=_late_fee(name),
        down_payment_share=DOWN_PAYMENT_SHARE if "DOWNPAYMENT" in name else Fraction(0),
        down_payment_collected="DOWNPAYMENT_AUTO" in name,
        has_buckets="INSTALLMENT_LEVEL_DELINQUENCY" in name,
    )


def _rest(name: str) -> Rest:
    """Return from when a payment counts for interest."""
    if "RECALCULATION" not in name:
        return Rest.FIXED
    if "RECALCULATION_SAME_AS_REPAYMENT" in name:
        return Rest.PERIOD
    return Rest.DAILY


def _prepayment(name: str) -> Prepayment:
    """Return what an excess does."""
    if "REDUCE_NR_INST" in name:
        return Prepayment.REDUCE_TERM
    if "RESCH_NEXT" in name:
        return Prepayment.NEXT_INSTALMENT
    return Prepayment.REDUCE_INSTALMENT


def _payoff(name: str) -> Payoff | None:
    """Return up to which day a pay-off pays interest."""
    if "TILL_PRECLOSE" in name:
        return Payoff.TO_THE_DAY
    return Payoff.TO_PERIOD_END if "TILL_REST_FREQUENCY" in name else None


def _compounding(name: str) -> Compounding:
    """Return whether unpaid interest earns interest."""
    if "COMPOUNDING_MONTHLY" in name:
        return Compounding.MONTHLY
    if "COMPOUNDING" in name and "COMPOUNDING_NONE" not in name:
        raise NotCovered("interest on overdue interest, joined to the principal when is not stated")
    return Compounding.NONE


def _late_fee(name: str) -> LateFee | None:
    """Return the late fee that the daily close puts on overdue instalments."""
    if "OVERDUE" not in name:
        return None
    if "OVERDUE_FROM_AMOUNT" not in name:
        raise NotCovered("a late fee on a base that is not known")
    return LateFee(share=LATE_FEE_SHARE, on_interest_too="OVERDUE_FROM_AMOUNT_INTEREST" in name)
