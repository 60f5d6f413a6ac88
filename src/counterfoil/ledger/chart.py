"""The chart of accounts.

Signs       A debit is positive, a credit negative; `normal` says on which side a balance stands.
Follows     The numbering habit of Chinese accounting standards for enterprises (1xxx assets,
            2xxx liabilities, 6xxx income); 9xxx are memorandum accounts outside the balance sheet.
"""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The side on which an account's balance normally stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class Class(StrEnum):
    """What an account is for."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    MEMORANDUM = "memorandum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One ledger account."""

    code: int
    name_en: str
    name_zh: str
    kind: Class
    normal: Side


BANK = 1002
INTEREST_RECEIVABLE = 1132
PENALTY_RECEIVABLE = 1133
FEE_RECEIVABLE = 1134
PROMOTION_RECEIVABLE = 1221
RECALL_CLAIMS = 1231
LOAN_PRINCIPAL = 1301
CUSTOMER_CREDIT = 2203
CREDIT_RETURNING = 2204
RECEIPTS_UNPLACED = 2243
RAIL_FEES_OWED = 2242
COLLECTED_FOR_OTHERS = 2241
INTEREST_INCOME = 6011
PENALTY_INCOME = 6012
FEE_INCOME = 6021
PROMOTION_INCOME = 6051
RAIL_COST = 6421
RECALL_LOSSES = 6711
COMMITMENT_HELD = 9101
COMMITMENT_CONTRA = 9102

CHART = {
    account.code: account
    for account in (
        Account(
            code=BANK,
            name_en="Bank, settlement account",
            name_zh="银行存款",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=INTEREST_RECEIVABLE,
            name_en="Interest receivable",
            name_zh="应收利息",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=PENALTY_RECEIVABLE,
            name_en="Penalty interest receivable",
            name_zh="应收罚息",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=FEE_RECEIVABLE,
            name_en="Fees receivable",
            name_zh="应收手续费",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=PROMOTION_RECEIVABLE,
            name_en="Claims on those who fund promotions",
            name_zh="应收优惠补贴款",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=RECALL_CLAIMS,
            name_en="Claims from recalled money",
            name_zh="应收被撤回款项",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=LOAN_PRINCIPAL,
            name_en="Loans to customers, principal",
            name_zh="发放贷款本金",
            kind=Class.ASSET,
            normal=Side.DEBIT,
        ),
        Account(
            code=CUSTOMER_CREDIT,
            name_en="Customers' credit balances",
            name_zh="客户溢缴款",
            kind=Class.LIABILITY,
            normal=Side.CREDIT,
        ),
        Account(
            code=CREDIT_RETURNING,
            name_en="Customers' credit being returned",
            name_zh="退还中溢缴款",
            kind=Class.LIABILITY,
            normal=Side.CREDIT,
        ),
        Account(
            code=RECEIPTS_UNPLACED,
            name_en="Receipts that people have to place",
            name_zh="待查收款",
            kind=Class.LIABILITY,
            normal=Side.CREDIT,
        ),
        Account(
            code=COLLECTED_FOR_OTHERS,
            name_en="Fees collected for others",
            name_zh="代收费用",
            kind=Class.LIABILITY,
            normal=Side.CREDIT,
        ),
        Account(
            code=INTEREST_INCOME,
            name_en="Interest income",
            name_zh="利息收入",
            kind=Class.INCOME,
            normal=Side.CREDIT,
        ),
        Account(
            code=PENALTY_INCOME,
            name_en="Penalty interest income",
            name_zh="罚息收入",
            kind=Class.INCOME,
            normal=Side.CREDIT,
        ),
        Account(
            code=FEE_INCOME,
            name_en="Fee income",
            name_zh="手续费收入",
            kind=Class.INCOME,
            normal=Side.CREDIT,
        ),
        Account(
            code=PROMOTION_INCOME,
            name_en="Interest paid by those who fund promotions",
            name_zh="优惠补贴收入",
            kind=Class.INCOME,
            normal=Side.CREDIT,
        ),
        Account(
            code=RAIL_FEES_OWED,
            name_en="Fees owed to payment rails",
            name_zh="应付通道手续费",
            kind=Class.LIABILITY,
            normal=Side.CREDIT,
        ),
        Account(
            code=RECALL_LOSSES,
            name_en="Losses on recalled money",
            name_zh="被撤回款项损失",
            kind=Class.EXPENSE,
            normal=Side.DEBIT,
        ),
        Account(
            code=RAIL_COST,
            name_en="Fees of payment rails",
            name_zh="手续费支出",
            kind=Class.EXPENSE,
            normal=Side.DEBIT,
        ),
        Account(
            code=COMMITMENT_HELD,
            name_en="Drawdowns accepted, not yet paid out",
            name_zh="待放款承诺",
            kind=Class.MEMORANDUM,
            normal=Side.DEBIT,
        ),
        Account(
            code=COMMITMENT_CONTRA,
            name_en="Contra of accepted drawdowns",
            name_zh="待放款承诺备抵",
            kind=Class.MEMORANDUM,
            normal=Side.CREDIT,
        ),
    )
}
