"""Campaigns of invitations: whom, how many, until when, and in which words.

Invariant   An invitation is a word to apply. It rests on what the lender knows already, decides
            nothing, reserves nothing and promises nothing: its words are held to that in both
            languages before anybody is asked to approve them.
Words       Neither "approved" in any of its guises nor a figure that reads like an offer. What
            every invitation says besides is fixed here, beneath the campaign's own words.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.hosts.refusals import CAMPAIGN_FORM_INVALID, CAMPAIGN_WORDS
from counterfoil.kernel.errors import Refused, refuse

#: A campaign is looked at again before it is larger or longer.
QUOTA_MAX: Final = 10_000
LIFE_MAX: Final = timedelta(days=90)
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
_TITLE_MAX: Final = 60
_TEXT_MAX: Final = 400

#: What reads as if a decision had been made, in any wording; looked for without case or blanks.
_DECIDED: Final = {
    "zh": (
        *("已批准", "已获批", "获批", "批准", "预审批", "预批", "预授信", "已授信", "审批通过"),
        *("已通过", "通过审核", "已审核", "包过", "必过", "必下", "秒批", "免审", "无需审核"),
        *(
            "已开通",
            "已到账",
            "额度已",
            "您的额度",
            "专享额度",
            "保证",
            "一定能",
            "零门槛",
            "名额有限",
        ),
    ),
    "en": (
        *("approved", "approval", "preapproved", "preselectedfora", "granted", "accepted"),
        *("guaranteed", "guarantee", "qualified", "youqualify", "nocheck", "nocreditcheck"),
        *("instantdecision", "yourlimitis", "yourlimitof", "alreadyhave", "certain", "lastchance"),
    ),
}
#: A figure reads like an offer, whatever stands beside it.
_FIGURE: Final = re.compile(r"[0-9０-９]|[一二三四五六七八九十百千万]+\s*(?:元|万|块)|%|％|‰")
#: What stands beneath every invitation.
STANDING: Final = {
    "zh": "这是一份申请邀请，不是审批结果。是否批准、额度与价格，在您申请并同意查询之后才会决定。"
    "您可以随时选择不再接收邀请，不会因此受到任何不利影响。",
    "en": "This is an invitation to apply and no decision. Whether, how much and at what price is"
    " decided only after you have applied and agreed to an inquiry. You can opt out of"
    " invitations at any time; nothing is held against you.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a campaign in one language."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTerms:
    """What is approved of a campaign."""

    code: str
    product_code: str
    #: None: by the lender's own channels alone.
    host_id: int | None
    #: A rule over a customer's own record; empty where customers are listed.
    rule: str
    #: Customers in their order, each once; empty where a rule selects.
    customer_ids: tuple[int, ...]
    #: Most invitations.
    quota: int
    #: The last day of every invitation.
    expires_on: date
    zh: Words
    en: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A customer is invited to apply for a product."""

    customer_id: int
    campaign_id: int
    product_code: str
    invited_at: datetime
    #: The last day.
    expires_on: date
    ended_at: datetime | None = None
    #: `customer`, or why the lender ended it.
    ended_by: str | None = None


def check_campaign(terms: CampaignTerms, *, on: date) -> Refused | None:
    """Return the first thing that is wrong with a campaign; its product and rule aside."""
    is_listed = bool(terms.customer_ids)
    faults = (
        (not _CODE.fullmatch(terms.code), "code", "is 2 to 32 of a-z, 0-9 and -, a letter first"),
        (is_listed == bool(terms.rule), "rule", "or a list selects, one of them"),
        (not 0 < terms.quota <= QUOTA_MAX, "quota", f"lies between 1 and {QUOTA_MAX}"),
        (terms.expires_on < on, "expires_on", "is over"),
        (
            terms.expires_on > on + LIFE_MAX,
            "expires_on",
            f"lies more than {LIFE_MAX.days} days off",
        ),
        (len(terms.customer_ids) > QUOTA_MAX, "customer_ids", "are too many"),
    )
    for is_wrong, member, fault in faults:
        if is_wrong:
            return refuse(CAMPAIGN_FORM_INVALID, member=member, fault=fault)
    return check_words("zh", terms.zh) or check_words("en", terms.en)


def check_words(language: str, words: Words) -> Refused | None:
    """Return what in a campaign's words promises what nobody has decided."""
    if not 0 < len(words.title.strip()) <= _TITLE_MAX:
        return refuse(CAMPAIGN_WORDS, language=language, found="the length of the title")
    if not 0 < len(words.text.strip()) <= _TEXT_MAX:
        return refuse(CAMPAIGN_WORDS, language=language, found="the length of the text")
    whole = f"{words.title}\n{words.text}"
    # Words of either language are looked for in both: people mix them to get past a list.
    bare = re.sub(r"[\W_]+", "", whole.casefold())
    for word in (*_DECIDED["zh"], *_DECIDED["en"]):
        if word in bare:
            return refuse(CAMPAIGN_WORDS, language=language, found=word)
    if figure := _FIGURE.search(whole):
        return refuse(CAMPAIGN_WORDS, language=language, found=figure[0])
    return None
