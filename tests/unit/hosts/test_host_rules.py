"""The rules of hosts: addresses, contracts, links, pages, notices, and the words of campaigns."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from counterfoil.hosts import delivery as notices
from counterfoil.hosts import host as hosts
from counterfoil.hosts import link as links
from counterfoil.hosts import page as pages
from counterfoil.hosts.campaign import STANDING, CampaignTerms, Words, check_campaign, check_words
from counterfoil.hosts.delivery import EVENTS, PAUSES, next_attempt
from counterfoil.hosts.host import Host, HostPurpose, HostTerms, origin_of
from counterfoil.hosts.link import Link, LinkState
from counterfoil.hosts.page import HostedPage, PageAct, PageState
from counterfoil.kernel.errors import Refused

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TERMS = HostTerms(
    code="travel",
    name="Travel",
    contract_from=date(2026, 1, 1),
    contract_until=date(2026, 12, 31),
    products=("cash-line-open",),
    purposes=("linking", "servicing"),
    drawdown_purposes=("travel",),
    origins=("https://app.example",),
    webhook_url="https://app.example/notices",
)
HOST = Host(
    host_id=1,
    version_no=1,
    terms=TERMS,
    asked_by="ana",
    approved_by="cora",
    approval_id=1,
    registered_at=NOW,
    stopped_for=None,
)
LINK = Link(
    customer_id=1,
    host_id=1,
    reference="u1",
    state=LinkState.PENDING,
    needs_check=False,
    asked_at=NOW,
)
PAGE = HostedPage(
    customer_id=1,
    page_id=2,
    host_id=1,
    act=PageAct.CONSENT,
    asked={},
    return_url="https://app.example/back?a=1",
    token_sha256=bytes(32),
    state=PageState.WAITING,
    made_at=NOW,
    expires_at=NOW + pages.LIFE,
)


def code_of(refused: Refused | None) -> str | None:
    return None if refused is None else refused.code


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example/x?y=1#z", "https://app.example"),
        ("https://app.example:8443/", "https://app.example:8443"),
        ("https://APP.example/", "https://app.example"),
        ("http://app.example/", None),
        ("http://127.0.0.1:9/", None),
        ("https://user@app.example/", None),
        ("https://app.example\\@evil.example/", None),
        ("//app.example/", None),
        ("javascript:alert(1)", None),
        ("https://app.example:99999/", None),
        ("https://app.example /", None),
        ("https://" + "a" * 400, None),
        ("", None),
    ],
)
def test_an_origin_is_https_and_nothing_hides_in_it(url: str, origin: str | None) -> None:
    assert origin_of(url, is_sandbox=False) == origin


def test_a_sandbox_takes_the_loopback_and_no_other_plain_http() -> None:
    assert origin_of("http://127.0.0.1:9/x", is_sandbox=True) == "http://127.0.0.1:9"
    assert origin_of("http://app.example/", is_sandbox=True) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"code": "T"}, "host_form_invalid"),
        ({"contract_until": date(2025, 1, 1)}, "host_form_invalid"),
        ({"products": ("unknown",)}, "host_form_invalid"),
        ({"products": ()}, "host_form_invalid"),
        ({"purposes": ("everything",)}, "host_form_invalid"),
        ({"origins": ("https://app.example/",)}, "host_form_invalid"),
        ({"origins": ("http://app.example",)}, "host_form_invalid"),
        ({"webhook_url": "https://elsewhere.example/"}, "origin_not_registered"),
        ({"webhook_url": None}, None),
    ],
)
def test_a_registration_is_checked_before_anybody_approves_it(
    changes: dict[str, Any], code: str | None
) -> None:
    checked = hosts.check_terms(
        replace(TERMS, **changes), known_products={"cash-line-open"}, is_sandbox=False
    )
    assert code_of(checked) == code


def test_a_host_acts_on_days_of_its_contract_for_its_purposes_alone() -> None:
    def refused(on: date, purpose: HostPurpose, host: Host = HOST) -> str | None:
        return code_of(hosts.refuse_use(host, purpose, on=on))

    servicing = HostPurpose.SERVICING
    assert refused(date(2026, 1, 1), servicing) is None
    assert refused(date(2026, 12, 31), servicing) is None
    assert refused(date(2025, 12, 31), servicing) == "host_not_active"
    assert refused(date(2027, 1, 1), servicing) == "host_not_active"
    assert refused(date(2026, 5, 1), HostPurpose.REPAYMENT) == "host_purpose_closed"
    stopped = replace(HOST, stopped_for="keys leaked")
    assert refused(date(2026, 5, 1), servicing, stopped) == "host_not_active"


def test_a_link_shows_something_only_between_confirmation_and_end() -> None:
    assert code_of(links.refuse_looking(LINK)) == "host_link_pending"
    assert links.refuse_asking(LINK) is None
    confirmed = links.confirmed(LINK, at=NOW)
    assert links.refuse_looking(confirmed) is None
    over = links.ended(confirmed, by="customer", at=NOW)
    assert code_of(links.refuse_looking(over)) == "host_link_ended"
    assert code_of(links.refuse_asking(over)) == "host_link_ended"
    assert links.confirmed(over, at=NOW) == over
    again = links.asked_again(over, needs_check=True, at=NOW)
    assert (again.state, again.needs_check, again.ended_at) == (LinkState.PENDING, True, None)
    assert links.asked_again(confirmed, needs_check=True, at=NOW) == confirmed


def test_a_page_opens_once_in_its_time_and_its_result_is_of_its_act() -> None:
    opened = pages.opened(PAGE, at=NOW)
    assert isinstance(opened, HostedPage)
    assert isinstance(pages.opened(opened, at=NOW), Refused)
    late = pages.opened(PAGE, at=PAGE.expires_at)
    assert isinstance(late, Refused)
    assert late.code == "page_expired"
    assert PAGE.state_at(PAGE.expires_at) == "expired"
    done = pages.done(opened, result="cs_1", at=NOW)
    assert pages.refuse_result(done, PageAct.CONSENT) is None
    assert code_of(pages.refuse_result(done, PageAct.COST_SHEET)) == "page_not_done"
    assert code_of(pages.refuse_result(opened, PageAct.CONSENT)) == "page_not_done"
    used = replace(done, state=PageState.USED)
    assert code_of(pages.refuse_result(used, PageAct.CONSENT)) == "page_used"
    assert pages.address_of_return(done, "hp_1") == "https://app.example/back?a=1&result=hp_1"


def test_pauses_grow_for_more_than_a_day_and_end() -> None:
    waits = [next_attempt(n, now=NOW) for n in range(1, len(PAUSES) + 2)]
    assert waits[-1] is None
    gaps = [at - NOW for at in waits if at is not None]
    assert gaps == sorted(gaps)
    assert sum(gaps, timedelta(0)) > timedelta(days=1)


def test_a_notice_is_signed_under_each_living_secret_and_says_nothing_else() -> None:
    old, new, other = (notices.new_secret() for _ in range(3))
    at = datetime.now(UTC)
    told = EVENTS["loan_opened"]
    body = notices.body_of(told, reference="u1", subject_id=7, at=at)
    item = notices.Delivery(
        customer_id=1,
        delivery_id=5,
        host_id=1,
        event_id=9,
        kind=told.type,
        payload=body,
        state=notices.DeliveryState.WAITING,
        attempts=1,
        next_at=at,
        made_at=at,
        ended_at=None,
    )
    headers = notices.signed_headers(item, [new, old], at=at)
    for secret in (old, new):
        read = Webhook(secret).verify(body, headers)
        assert read["data"].keys() == {"customer", "loan_id", "state"}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("zh", "您按时还款，欢迎申请。", None),
        ("en", "You repay on time. You may apply.", None),
        ("zh", "恭喜！您已获批循环额度。", "已获批"),
        ("zh", "额 度 已 开 通", "已开通"),
        ("en", "You are pre-approved!", "approved"),
        ("en", "Approval is guaranteed", "approval"),
        ("zh", "You are approved 申请吧", "approved"),
        ("en", "Up to 50,000", "5"),
        ("zh", "最高五万元", "五万元"),
        ("en", " ", "the length of the text"),
    ],
)
def test_words_promise_neither_approval_nor_figures(
    language: str, text: str, found: str | None
) -> None:
    refused = check_words(language, Words(title="Hello", text=text))
    assert (None if refused is None else refused.detail["found"]) == found


def test_a_campaign_selects_one_way_and_has_bounds() -> None:
    on = date(2026, 3, 2)
    sound = CampaignTerms(
        code="spring",
        product_code="cash-line-invited",
        host_id=None,
        rule="own_months >= 6",
        customer_ids=(),
        quota=10,
        expires_on=on + timedelta(days=30),
        zh=Words(title="邀请", text="欢迎申请"),
        en=Words(title="Invitation", text="You may apply."),
    )
    assert check_campaign(sound, on=on) is None
    wrong: list[dict[str, Any]] = [
        {"customer_ids": (1,)},
        {"rule": ""},
        {"quota": 0},
        {"quota": 10_001},
        {"expires_on": on - timedelta(days=1)},
        {"expires_on": on + timedelta(days=91)},
        {"code": "Spring"},
    ]
    for changes in wrong:
        checked = check_campaign(replace(sound, **changes), on=on)
        assert code_of(checked) == "campaign_form_invalid", changes
    assert STANDING.keys() == {"zh", "en"}
