"""What the measures of a person's debt are called when customers read of them."""

from typing import Final, NamedTuple


class MeasureWords(NamedTuple):
    """A measure's name, and what its figure counts."""

    zh: str
    en: str
    #: `minor`, `ppm` or `count`.
    unit: str


MEASURE_WORDS: Final = {
    "own_exposure": MeasureWords("本机构的额度与欠款", "limits and debts with us", "minor"),
    "household_exposure": MeasureWords(
        "家庭在本机构的额度与欠款", "limits and debts of your household with us", "minor"
    ),
    "open_limits": MeasureWords("各机构的可用额度", "open limits at all lenders", "minor"),
    "guarantees": MeasureWords("提供的担保", "guarantees given", "minor"),
    "total_debt": MeasureWords("各机构的欠款合计", "debts at all lenders", "minor"),
    "total_exposure": MeasureWords(
        "各机构的欠款与未用额度合计", "debts and unused limits at all lenders", "minor"
    ),
    "debt_monthly": MeasureWords("每月还款合计", "repayments a month", "minor"),
    "utilisation": MeasureWords("额度使用率", "share of limits in use", "ppm"),
    "active_lenders": MeasureWords("有欠款的机构数", "lenders that you owe", "count"),
    "dsr": MeasureWords("每月还款占收入的比例", "repayments against income", "ppm"),
    "debt_to_yearly_income": MeasureWords(
        "欠款占年收入的比例", "debts against a year's income", "ppm"
    ),
    "new_lenders_1_months": MeasureWords("近一个月新增机构", "new lenders in one month", "count"),
    "new_lenders_3_months": MeasureWords(
        "近三个月新增机构", "new lenders in three months", "count"
    ),
    "new_lenders_6_months": MeasureWords("近六个月新增机构", "new lenders in six months", "count"),
    "inquiries_1_months": MeasureWords(
        "近一个月的信贷查询", "inquiries for credit in one month", "count"
    ),
    "inquiries_3_months": MeasureWords(
        "近三个月的信贷查询", "inquiries for credit in three months", "count"
    ),
    "inquiries_6_months": MeasureWords(
        "近六个月的信贷查询", "inquiries for credit in six months", "count"
    ),
}
