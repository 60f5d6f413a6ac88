"""The words in which a decision is explained to a customer, Chinese and English.

Plain words for an adult who has never read a contract: what happened, what it rests on, where
that came from, and what can be done. Policies bring texts of their own for their reasons.
"""

from typing import Final, NamedTuple


class Both(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str


#: How it ended.
OUTCOMES: Final = {
    "approved": Both("您的申请已通过。", "Your application was approved."),
    "declined": Both("很抱歉，您的申请未通过。", "We are sorry: your application was declined."),
    "referred": Both(
        "您的申请已转由工作人员审核。", "A member of staff is looking at your application."
    ),
}

#: Reasons that do not come from a policy but from what the customer chose, or from ceilings on
#: debt that hold over every policy.
HOUSE_REASONS: Final = {
    "EXP_LEGAL": Both(
        "已达到监管对单户授信金额的上限",
        "The most that one borrower may be granted under the rules for this lender is reached",
    ),
    "EXP_TOTAL": Both(
        "您在各机构的授信或借款总额较高",
        "Your total credit or borrowing across lenders is high",
    ),
    "EXP_LENDERS": Both(
        "您目前或近期的借款机构较多",
        "You borrow, or have begun to borrow, from many lenders",
    ),
    "CAP_DSR": Both(
        "您目前的还款支出相对收入偏高",
        "Your repayments are high relative to your income",
    ),
    "INQ_MANY": Both(
        "近期信用报告查询次数较多",
        "Your credit report was checked often recently",
    ),
    "UTIL_HIGH": Both("现有额度使用比例较高", "You use a high share of your existing limits"),
    "OWN_CAP": Both("您为自己设定了更低的上限", "You have set yourself a lower ceiling"),
    "STANDARD_OFFERED": Both(
        "您选择了标准方案，额度和价格不依据您的个人特征",
        "You chose the standard offer: amount and price do not depend on you personally",
    ),
}

#: In the place of a rule's reason, where the rule could not be judged.
NOT_KNOWN: Final = Both(
    "作出决定所需的信息暂时未能取得：{factors}",
    "We could not learn what is needed to decide: {factors}",
)

#: What bound the limit, where a policy has no text for it.
BOUND: Final = {
    "standard": HOUSE_REASONS["STANDARD_OFFERED"],
    "debt_ceiling": Both(
        "额度以您在各机构的债务上限为限",
        "The amount is bound by a ceiling on your debt at all lenders",
    ),
    "other": Both("额度由多项条件共同决定", "The amount follows from several conditions together"),
}

PRICE_BEST: Final = Both(
    "这是您所在客群的最优信用等级对应的价格。",
    "This is the price of the best grade; nothing about you made it higher.",
)
PRICE_GRADE: Final = Both(
    "价格由您的信用等级决定。影响等级的主要因素依次为：{factors}。",
    "The price follows from your credit grade. What held the grade back, most important first: "
    "{factors}.",
)
PRICE_MARGIN: Final = Both(
    "价格由您的信用等级决定，并因以下原因有所上浮：{reasons}。",
    "The price follows from your credit grade, and is higher for this reason: {reasons}.",
)
PRICE_STANDARD: Final = Both(
    "这是标准价格，选择标准方案的客户均适用同一价格。",
    "This is the standard price; everybody who chose the standard offer has the same.",
)

HELP_LOWER: Final = Both("降低“{factor}”会有帮助", "A lower figure would help: {factor}")
HELP_HIGHER: Final = Both("提高“{factor}”会有帮助", "A higher figure would help: {factor}")
HELP_UNKNOWN: Final = Both(
    "补充“{factor}”会有帮助：目前未知", "It would help if this were known: {factor}"
)
HELP_OTHER: Final = Both(
    "如“{factor}”有变化，可重新申请或补充", "If this changes, tell us and apply again: {factor}"
)

#: Where something came from.
SOURCE_NAMES: Final = {
    "identity": Both("您的身份证件", "your identity document"),
    "applicant": Both("您本人填写", "what you stated"),
    "application": Both("您本次的申请", "this application"),
    "recorded_history": Both("您提供的还款记录", "the repayment record that you provided"),
    "own_behaviour": Both("您在本机构的还款情况", "how you have repaid us"),
    "own_model": Both("本机构此前对您的评估", "what we concluded about you before"),
    "transactions": Both("经您授权的交易信息", "transactions, with your consent"),
    "bureau": Both("经您授权查询的信用报告", "your credit report, read with your consent"),
    "third_party": Both("经您授权的第三方信息", "a third party, with your consent"),
    "capacity": Both(
        "经您授权核实的收入与债务情况", "income and debts that were measured with your consent"
    ),
}

_STATED: Final = Both(
    "如填写有误，请更正后申请人工复核或重新申请。",
    "If it is wrong, tell us the right figure and ask for a review, or apply again.",
)
_OURS: Final = Both(
    "如与您的记录不符，请申请人工复核，我们会核对账务。",
    "If it does not agree with your own records, ask for a review; we look into our books.",
)

#: How it can be put right.
CORRECT: Final = {
    "identity": Both(
        "如证件信息有误，请更新证件信息后重新申请。",
        "If it is wrong, have your identity details corrected with us and apply again.",
    ),
    "applicant": _STATED,
    "application": _STATED,
    "recorded_history": _STATED,
    "own_behaviour": _OURS,
    "own_model": _OURS,
    "transactions": _OURS,
    "bureau": Both(
        "如信用报告有误，您可向征信机构或我们提出异议，更正后可申请人工复核。",
        "If the report is wrong, object to it with the credit bureau or with us, and ask for a"
        " review.",
    ),
    "third_party": Both(
        "如有误，请告知我们，我们会向信息提供方核实。",
        "If it is wrong, tell us; we take it up with whoever said so.",
    ),
}

#: The way to a person.
REVIEW_WAY: Final = Both(
    "您可以一步申请人工复核，工作人员会在 {days} 个工作日内答复。",
    "You can ask for a review by a person in one step; a person answers within {days} working"
    " days.",
)
