"""Agreeing to a higher limit: to which text, on which line, and what a crash leaves."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.store.bureau_desk import Desk, open_desk
from tests.store.raise_desk import accept, code, customer, got, limit_of, offered, wish

from counterfoil.contracts.template import Authentication
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.journeys.applying.expire import expire_applications
from counterfoil.journeys.lines import adjust_limit, raise_agreeing, raise_limit
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.batches import Answer


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_an_act_that_is_no_agreement_to_this_text_is_refused(desk: Desk) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)
    cases: dict[str, dict[str, Any]] = {
        "document_hash_mismatch": {"document_sha256": bytes(32)},
        "amendment_read_too_short": {"dwell_ms": 4_999},
        "authentication_too_low": {"authentication": Authentication.LOW},
    }
    for expected, changes in cases.items():
        assert code(await accept(desk.house, request, expected, **changes)) == expected
    in_chinese = raise_agreeing.amendment_of(desk.house, request, Language.CHINESE).sha256
    mixed = {"language": Language.ENGLISH, "document_sha256": in_chinese}
    assert code(await accept(desk.house, request, "mixed", **mixed)) == "document_hash_mismatch"
    unknown = replace(request, request_id=4711)
    assert code(await accept(desk.house, unknown, "unknown")) == "limit_request_not_found"
    assert await limit_of(desk, wanted) == 500_000


async def test_the_amendment_says_what_changes_and_what_stays(desk: Desk) -> None:
    request = await offered(desk.house, await customer(desk))
    texts = {
        language: raise_agreeing.amendment_of(desk.house, request, language).text
        for language in Language
    }
    for text in texts.values():
        assert "5000.00" in text
        assert "8000.00" in text
        assert request.agreement_sha256.hex() in text
        assert "0.04" in text
    assert texts[Language.CHINESE] != texts[Language.ENGLISH]


async def test_an_offer_of_a_line_that_changed_or_of_yesterday_is_not_taken(desk: Desk) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)
    change: dict[str, Any] = {"customer_id": wanted.customer_id, "line_id": wanted.line_id}
    await adjust_limit.set_limit(
        desk.house, **change, limit_minor=400_000, reason="fraud", author="s", idempotency_key="d"
    )
    assert code(await accept(desk.house, request)) == "limit_changed_meanwhile"
    await adjust_limit.set_limit(
        desk.house, **change, limit_minor=500_000, reason="r", author="s", idempotency_key="u"
    )
    await desk.run("UPDATE decisioning.limit_request SET valid_until = valid_until - 31")
    late = await stored(desk, request)
    assert code(await accept(desk.house, late, "late")) == "offer_expired"
    on = await desk.house.business_date()
    async with desk.house.database.transaction() as connection:
        assert await expire_applications(desk.house, connection, on=on) == 1
    assert (await stored(desk, request)).status == Status.EXPIRED
    [told] = await desk.rows("SELECT kind FROM platform.outbox WHERE kind LIKE '%expired'")
    assert told["kind"] == "limit_request_expired"
    assert code(await accept(desk.house, request, "gone")) == "limit_request_not_open"


async def stored(desk: Desk, request: LimitRequest) -> LimitRequest:
    [found] = await raise_limit.request_many(
        desk.house,
        [
            wish(
                request.customer_id,
                request.line_id,
                request.idempotency_key,
                consent_id=request.consent_id,
            )
        ],
    )
    assert isinstance(found, LimitRequest), found
    return found


async def test_a_crash_between_agreement_and_raise_is_made_good_by_repeating(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)

    async def crash(*_: object) -> list[Answer | Refused]:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(raise_agreeing, "_raise", crash)
        with pytest.raises(ConnectionError):
            await accept(desk.house, request)
    assert await limit_of(desk, wanted) == 500_000
    assert got(await accept(desk.house, request))["limit_minor"] == 800_000
    assert await limit_of(desk, wanted) == 800_000


async def test_an_agreement_that_cannot_raise_any_more_is_taken_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)
    monkeypatch.setattr(raise_agreeing, "_refuse_changed", lambda *_: None)
    await desk.run("UPDATE lending.credit_line SET limit_minor = 600000")
    assert code(await accept(desk.house, request)) == "limit_changed_meanwhile"
    assert (await stored(desk, request)).status == Status.APPROVED
    assert await limit_of(desk, wanted) == 600_000
