"""What a customer does on a page that a host asked for: agrees to a notice, a sheet, an agreement.

Consent     The notice in force, word by word; given or refused, after its reading time.
Cost sheet  The quote of a drawdown with its note; agreeing keeps its signed token for the host's
            drawdown of exactly that, on the same business date.
Agreement   Cost sheet first, then the agreement with a code; signing takes the offer and opens the
            line.
Repetition  A repeated click gives the first outcome; each act has the page's number in its key.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from counterfoil.consents.giving import Choice, Wish, day_of
from counterfoil.consents.notice import Level, Notice
from counterfoil.consents.record import Authentication, Display
from counterfoil.consents.refusals import NOTICE_NOT_FOUND
from counterfoil.contracts.contract import Act, Part
from counterfoil.contracts.template import Authentication as SignerLevel
from counterfoil.hosts import page as pages
from counterfoil.hosts import payee_store, store
from counterfoil.hosts.link import Subject, SubjectKind
from counterfoil.hosts.page import HostedPage
from counterfoil.hosts.refusals import PAGE_NOT_FOUND, PAGE_READ_LONGER
from counterfoil.journeys.applying.apply import accept_offer
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.consenting import consent
from counterfoil.journeys.contracting import contract
from counterfoil.journeys.contracting.contract_making import Texts
from counterfoil.journeys.hosting.hosted_pages import (
    end_page,
    evidence_of,
    seconds_since,
    tell_host,
)
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending.quote import Quote
from counterfoil.lending.terms import Method

_CHANNEL: Final = "hosted-page"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownAgreement:
    """An agreement as it is shown: the cost sheet, then the text."""

    texts: Texts
    #: Of the cost sheet, in hexadecimal.
    sheet_sha256: str
    #: The code where it may be shown, in a sandbox; None before the agreement is shown.
    code: str | None


async def open_page(house: House, customer_id: int, page_id: int) -> HostedPage | Refused:
    """Return a customer's own page while something can be done on it."""
    async with house.database.transaction() as connection:
        page = await store.lock_page(connection, customer_id, page_id)
    if page is None or page.opened_at is None:
        return refuse(PAGE_NOT_FOUND)
    return page if page.ended_at else pages.refuse_ended(page, at=house.wall.now()) or page


async def needs_check(house: House, page: HostedPage) -> bool:
    """Return whether a person has to look first at what the host sent."""
    async with house.database.transaction() as connection:
        link = await store.lock_link(connection, customer_id=page.customer_id, host_id=page.host_id)
    return link is None or link.needs_check


async def show_notice(house: House, page: HostedPage) -> Notice | Refused:
    """Return the notice that the page asks about; its reading time begins with the first look."""
    notice = house.notices.current(page.asked["notice"], day_of(house.leaves.now()))
    if notice is None:
        return refuse(NOTICE_NOT_FOUND, notice=page.asked["notice"])
    await _note_shown(house, page, {"version": notice.version})
    return notice


async def decide_notice(
    house: House, page: HostedPage, *, agrees: bool, language: Language
) -> HostedPage | Refused:
    """Keep the customer's decision on the notice, and end the page."""
    notice = house.notices.current(page.asked["notice"], day_of(house.leaves.now()))
    if notice is None or page.shown is None or page.opened_at is None:
        return refuse(PAGE_NOT_FOUND)
    dwell_ms = await _dwell_ms(house, page)
    text_sha256 = notice.texts[language.value].sha256
    wish = Wish(
        customer_id=page.customer_id,
        notice_code=notice.code,
        notice_version=notice.version,
        choice=Choice.GIVEN if agrees else Choice.REFUSED,
        is_preselected=False,
        display=Display(
            language=language.value,
            text_sha256=text_sha256,
            screen_sha256=_screen(page, text_sha256),
            dwell_ms=dwell_ms,
        ),
        authentication=Authentication(
            method="one_time_code",
            level=Level.SUBSTANTIAL,
            at=int(page.opened_at.timestamp()),
            evidence_sha256=evidence_of(page),
        ),
        product=page.asked["product_code"],
        channel=_CHANNEL,
    )
    answer = await consent.give(house, wish, idempotency_key=_key(page, "consent"))
    if isinstance(answer, Refused):
        return answer
    consent_id = orjson.loads(answer.text)["consent_id"]
    return await _end(house, page, result=consent_id if agrees else None)


async def show_quote(house: House, page: HostedPage, language: Language) -> Quote | Refused:
    """Return the quote of the drawdown; its reading time begins with the first look of the day."""
    asked = page.asked
    made = await quote(
        house,
        customer_id=page.customer_id,
        line_id=asked["line_id"],
        amount_minor=asked["amount_minor"],
        currency=asked["currency"],
        tenor_months=asked["tenor_months"],
        method=Method(asked["method"]),
        purpose=asked["purpose"],
        language=language,
        purchase_id=asked.get("purchase_id"),
    )
    if isinstance(made, Refused):
        return made
    sheet = made.sheet.sheet_hash.hex()
    await _note_shown(house, page, {"sheet": sheet, "note": made.note.ref, "token": made.token})
    return made


async def payee_label(house: House, page: HostedPage) -> str:
    """Return how the host calls the account that a drawdown is paid to; its token where it is none.

    A merchant is called by its name on the sheet's note.
    """
    payee_ref = str(page.asked["payee_ref"])
    async with house.database.connection() as connection:
        found = await payee_store.payee_in_force(
            connection, customer_id=page.customer_id, host_id=page.host_id, payee_ref=payee_ref
        )
    return payee_ref if found is None else found.label


async def agree_to_quote(house: House, page: HostedPage) -> HostedPage | Refused:
    """Keep the token of the quote that was shown; the host's drawdown brings it."""
    if page.shown is None:
        return refuse(PAGE_NOT_FOUND)
    least = house.settings.cost_sheet_reading_seconds
    if seconds_since(page.shown, house.wall.now()) < least:
        return refuse(PAGE_READ_LONGER, seconds=least)
    return await _end(house, page, result=page.shown["token"])


async def show_agreement(
    house: House, page: HostedPage, part: Part, language: Language, *, sends_code: bool = True
) -> ShownAgreement | Refused:
    """Return what the agreement says, and note that a part of it was opened.

    `sends_code` is false where the agreement is shown again with a code on its way already.
    """
    if not sends_code and page.shown is not None and "contract" in page.shown:
        return await _shown_again(house, page, page.shown["contract"])
    prepared = await contract.prepare(
        house,
        customer_id=page.customer_id,
        application_id=page.asked["application_id"],
        # An agreement that was prepared today and still fits is given again.
        idempotency_key=_key(page, f"prepare:{house.ids.next()}"),
    )
    if isinstance(prepared, Refused):
        return prepared
    contract_id = ids.from_text(ids.CONTRACT, orjson.loads(prepared.text)["id"])
    shown = await contract.show(
        house,
        customer_id=page.customer_id,
        contract_id=contract_id,
        part=part,
        language=language,
        idempotency_key=_key(page, f"show:{house.ids.next()}"),
    )
    if isinstance(shown, Refused):
        return shown
    read = await contract.read_texts(house, customer_id=page.customer_id, contract_id=contract_id)
    if isinstance(read, Refused):
        return read
    found, texts = read
    hashes: dict[str, Any] = {
        "contract": contract_id,
        "document": found.sha256_of(language).hex(),
        "sheet": found.cost_sheet_sha256.hex(),
        "language": language.value,
    }
    await _note_shown(house, page, hashes)
    return ShownAgreement(texts=texts, sheet_sha256=hashes["sheet"], code=shown.code)


async def _shown_again(
    house: House, page: HostedPage, contract_id: int
) -> ShownAgreement | Refused:
    read = await contract.read_texts(house, customer_id=page.customer_id, contract_id=contract_id)
    if isinstance(read, Refused):
        return read
    found, texts = read
    sheet = found.cost_sheet_sha256.hex()
    return ShownAgreement(texts=texts, sheet_sha256=sheet, code=None)


async def sign_agreement(
    house: House, page: HostedPage, *, code: str, repayment_day: int
) -> HostedPage | Refused:
    """Sign what was shown by the code, take the offer, open the line, and end the page."""
    if page.shown is None:
        return refuse(PAGE_NOT_FOUND)
    shown, application_id = page.shown, page.asked["application_id"]
    act = Act(
        Language(shown["language"]),
        bytes.fromhex(shown["document"]),
        bytes.fromhex(shown["sheet"]),
        SignerLevel.SUBSTANTIAL,
        _CHANNEL,
    )
    signed = await contract.sign(
        house,
        customer_id=page.customer_id,
        contract_id=shown["contract"],
        act=act,
        code=code,
        idempotency_key=_key(page, f"sign:{shown['document'][:16]}"),
    )
    if isinstance(signed, Refused):
        return signed
    opened = await accept_offer(
        house,
        customer_id=page.customer_id,
        application_id=application_id,
        repayment_day=repayment_day,
        idempotency_key=_key(page, "accept"),
    )
    if isinstance(opened, Refused):
        return opened
    line_id = ids.from_text(ids.LINE, orjson.loads(opened.text)["id"])
    return await _end(house, page, result=ids.to_text(ids.LINE, line_id), line_id=line_id)


async def refuse_page(house: House, page: HostedPage) -> HostedPage | Refused:
    """End a page on which the customer did not agree; nothing else changes."""
    return await _end(house, page, result=None)


async def _end(
    house: House, page: HostedPage, *, result: str | None, line_id: int | None = None
) -> HostedPage | Refused:
    async with house.database.transaction() as connection:
        held = await store.lock_page(connection, page.customer_id, page.page_id)
        assert held is not None, "pages are not removed"
        if held.ended_at is not None:
            return held
        if line_id is not None:
            link = await store.lock_link(
                connection, customer_id=page.customer_id, host_id=page.host_id
            )
            assert link is not None, "a page was asked for over a link"
            applied = await store.read_subject(
                connection, link, SubjectKind.APPLICATION, page.asked["application_id"]
            )
            assert applied is not None, "checked when the page was asked for"
            made = Subject(
                customer_id=page.customer_id,
                kind=SubjectKind.LINE,
                subject_id=line_id,
                host_id=page.host_id,
                product_code=applied.product_code,
                made_at=house.clock.now(),
            )
            await store.add_subject(connection, made)
            await tell_host(house, connection, "host_line_opened", page.customer_id, line_id)
        return await end_page(house, connection, held, result=result)


async def _note_shown(house: House, page: HostedPage, what: dict[str, Any]) -> None:
    """Note what is on the screen; the time counts from when the same was shown first."""
    before = page.shown
    if before is not None and {name: before.get(name) for name in what} == what:
        return
    shown = {**what, "at": house.wall.now().isoformat()}
    # The sheet of an agreement and its text are one thing to read.
    if before is not None and before.get("contract") == what.get("contract", 0):
        shown["at"] = before["at"]
    async with house.database.transaction() as connection:
        await store.change_page(connection, replace(page, shown=shown))


async def _dwell_ms(house: House, page: HostedPage) -> int:
    """Return the reading time as it is decided on, the same when the act is repeated."""
    assert page.shown is not None, "shown before it is decided on"
    if "dwell_ms" in page.shown:
        return int(page.shown["dwell_ms"])
    dwell_ms = seconds_since(page.shown, house.wall.now()) * 1_000
    notice = house.notices.current(page.asked["notice"], day_of(house.leaves.now()))
    if notice is not None and dwell_ms >= notice.reading_ms_min:
        async with house.database.transaction() as connection:
            await store.change_page(
                connection, replace(page, shown={**page.shown, "dwell_ms": dwell_ms})
            )
    return dwell_ms


def _screen(page: HostedPage, text_sha256: bytes) -> bytes:
    return pages.digest_of(f"{page.customer_id}:{page.page_id}:{text_sha256.hex()}")


def _key(page: HostedPage, step: str) -> str:
    return f"hosted-page:{page.page_id}:{step}"
