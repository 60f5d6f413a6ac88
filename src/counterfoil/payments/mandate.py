"""A mandate: the customer's word that what is due may be collected from an account of their own.

Invariant   A mandate is for one line and one account and ends on a day. Revoked, it is revoked at
            once: nothing is presented under it from then on; what the bank has already is answered.
Text        Rendered from a template with a version; its SHA-256 is kept and can be made again from
            what the mandate says. The account is a token, nothing in the text names a person.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.kernel.language import Language

TEMPLATE: Final = "auto-debit/1"
_TEXTS: Final = {
    Language.CHINESE: (
        "自动扣款授权书（auto-debit/1）\n"
        "本人授权贷款人于每个到期日，从本人名下账户 {account} "
        "扣收额度 {line} 项下到期应还的款项。\n"
        "扣收金额以扣款时到期未还的金额为限，不提前扣收未到期款项。\n"
        "授权自 {starts_on} 起至 {ends_on} 止。本人可随时撤销，撤销即时生效。\n"
        "扣款前一日将以短信等方式提醒；扣款不成功将告知本人，不另收费用。\n"
    ),
    Language.ENGLISH: (
        "Authority to debit (auto-debit/1)\n"
        "On each due date the lender may collect from my own account {account} what is due under"
        " line {line}.\n"
        "No more is collected than is due and unpaid at that time, and nothing before it is due.\n"
        "This holds from {starts_on} until {ends_on}. I may revoke it at any time, at once.\n"
        "I am reminded the day before. Of a debit that fails I am told; it costs me nothing.\n"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """One mandate as it is kept."""

    customer_id: int
    mandate_id: int
    line_id: int
    #: Token of the account, never its number.
    account_ref: str
    template: str
    language: Language
    text_sha256: bytes
    starts_on: date
    #: The last day on which something may be presented.
    ends_on: date
    signed_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def holds_on(self, on: date) -> bool:
        """Return whether something may be presented on a date."""
        return self.revoked_at is None and self.starts_on <= on <= self.ends_on


def mandate_text(
    language: Language, *, account: str, line: str, starts_on: date, ends_on: date
) -> str:
    """Return the text that the customer confirms."""
    return _TEXTS[language].format(
        account=account, line=line, starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat()
    )


def text_sha256(text: str) -> bytes:
    """Return the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).digest()
