"""The connector to a bank over HTTP, against a bank that fails when it is told to."""

from datetime import date
from pathlib import Path

import httpx
import pytest

from counterfoil.capacity.http_statements import HttpStatements
from counterfoil.capacity.port import FetchedStatement, Unanswered
from counterfoil.capacity.statement import Statement, check_statement
from counterfoil.capacity.statement_camt import read_camt
from counterfoil.capacity.statement_csv import CsvColumns, read_csv
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.simulator.account_bank.account_bank import Account, AccountBank, Manner
from counterfoil.simulator.account_bank.server import make_app

CONSENT, TODAY, HOLDER = 4_711, date(2026, 7, 10), "王小明"
FORMS = ("csv", "camt.053")


def bank(form: str = "csv", manner: Manner = Manner.UP, token: str = "") -> AccountBank:
    account = Account(holder=HOLDER, number="62220001", form=form, first_month=date(2026, 1, 1))
    permitted = {ids.to_text(ids.CONSENT, CONSENT): account}
    return AccountBank(token=token, manner=manner, permitted=permitted)


async def fetch(
    one: AccountBank, consent_id: int = CONSENT, token_file: Path | None = None
) -> list[FetchedStatement] | Unanswered:
    transport = httpx.ASGITransport(make_app(one, slow_seconds=0.02))
    async with HttpStatements(
        "http://bank.example", token_file=token_file, transport=transport
    ) as source:
        return await source.fetch(customer_id=1, consent_id=consent_id)


async def read(one: AccountBank) -> Statement:
    found = await fetch(one)
    assert isinstance(found, list), found
    [file] = found
    if file.form == "csv":
        return read_csv(file.content, CsvColumns(), file.currency)
    return read_camt(file.content, file.currency)


def judged(statement: Statement) -> Refused | None:
    return check_statement(statement, holder=HOLDER, currency="CNY", on=TODAY)


@pytest.mark.parametrize("form", FORMS)
async def test_what_the_bank_gives_is_believed(form: str) -> None:
    statement = await read(bank(form))
    assert judged(statement) is None
    assert sum(line.amount_minor > 0 for line in statement.lines) == 6
    assert (statement.first_date, statement.last_date) == (date(2026, 1, 1), date(2026, 6, 30))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("manner", "code"),
    [
        (Manner.EDITED, "statement_balances_broken"),
        (Manner.OTHER_PERSON, "statement_of_another"),
    ],
)
async def test_what_somebody_changed_or_mixed_up_is_refused(
    form: str, manner: Manner, code: str
) -> None:
    refused = judged(await read(bank(form, manner)))
    assert refused is not None
    assert refused.code == code
    assert refused.detail["line"]


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        (Manner.DOWN, Unanswered.STATUS),
        (Manner.ELSEWHERE, Unanswered.STATUS),
        (Manner.MALFORMED, Unanswered.MALFORMED),
    ],
)
async def test_no_answer_is_never_an_empty_one(manner: Manner, why: Unanswered) -> None:
    assert await fetch(bank(manner=manner)) is why


async def test_only_what_its_customer_permitted_is_given(tmp_path: Path) -> None:
    assert await fetch(bank(), consent_id=CONSENT + 1) is Unanswered.NOT_PERMITTED
    token = tmp_path / "token"
    token.write_text("letmein\n")
    assert await fetch(bank(token="letmein")) is Unanswered.STATUS
    assert isinstance(await fetch(bank(token="letmein"), token_file=token), list)
    assert await fetch(bank(), token_file=tmp_path / "nothing") is Unanswered.UNREACHABLE


async def test_who_waits_too_long_or_finds_nobody_knows_nothing() -> None:
    def slow(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    for answer, why in ((slow, Unanswered.TIMEOUT), (away, Unanswered.UNREACHABLE)):
        transport = httpx.MockTransport(answer)
        async with HttpStatements("http://bank.example", transport=transport) as source:
            assert await source.fetch(customer_id=1, consent_id=CONSENT) is why


async def test_an_answer_about_another_consent_or_too_large_is_none() -> None:
    other = b'{"consent": "cs_other", "statements": []}'
    for body in (other, b" " * (16 * 1024 * 1024 + 1)):
        transport = httpx.MockTransport(lambda _, body=body: httpx.Response(200, content=body))
        async with HttpStatements("http://bank.example", transport=transport) as source:
            found = await source.fetch(customer_id=1, consent_id=CONSENT)
        assert found is Unanswered.MALFORMED
