"""Pages that a host asks for: made, opened by the customer's one-time code, ended.

The story   The host names act and subject and gets a link that says nothing. The customer opens it,
            is recognised by a code that goes to the phone that the vault keeps, and is shown the
            act by the lender (`hosted_acts.py`). The host learns the page's state, and uses what
            came of it by the page's number.
Invariant   Who holds the link alone can do nothing: not the host, not whoever reads its messages.
Time        Pages live by the real clock, as sessions and codes do.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from counterfoil.contracts.one_time_code import (
    ISSUED_MAX,
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.contracts.refusals import CODE_EXPIRED, CODES_USED_UP
from counterfoil.customers import store as customers
from counterfoil.hosts import link as links
from counterfoil.hosts import page as pages
from counterfoil.hosts import store
from counterfoil.hosts.host import refuse_address, refuse_drawdown_purpose
from counterfoil.hosts.link import Link, SubjectKind
from counterfoil.hosts.page import HostedPage, PageAct, PageState
from counterfoil.hosts.refusals import PAGE_FORM_INVALID, PAGE_NOT_FOUND
from counterfoil.journeys.hosting.host_links import actor_of
from counterfoil.journeys.hosting.host_payees import refuse_payee
from counterfoil.journeys.hosting.host_purchases import asked_in_full
from counterfoil.journeys.hosting.host_scope import (
    Visit,
    customer_of_visit,
    require_product,
    subject_of_visit,
)
from counterfoil.journeys.hosting.hosts import is_sandbox
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.portal_session import Opened, open_link, open_session
from counterfoil.journeys.serving.portal_trail import (
    CODE,
    LINK,
    PORTAL,
    note_code_sent,
    note_turned_away,
)
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.refusals import PERSONAL_DATA_NOT_FOUND

#: The scope of a portal session for a hosted page; the page's number stands behind a colon.
SCOPE: Final = "hosted"
#: Notices for which a host may ask; the others are asked for by the lender itself.
NOTICES: Final = frozenset({"inquiry-origination", "reporting", "income-proof"})
#: What a page for an act is asked with.
MEMBERS: Final = {
    PageAct.CONSENT: frozenset({"notice", "product_code"}),
    PageAct.AGREEMENT: frozenset({"application_id"}),
    PageAct.COST_SHEET: frozenset(
        {"line_id", "amount_minor", "currency", "tenor_months", "method", "purpose", "payee_ref"}
    ),
}
#: Of a cost sheet for a purchase, which brings its purpose and its merchant's payee.
_OF_PURCHASE: Final = MEMBERS[PageAct.COST_SHEET] - {"purpose", "payee_ref"} | {"purchase_id"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PageWish:
    """A page as a host asks for it."""

    reference: str
    act: PageAct
    #: Members by the act, see `MEMBERS`; identifiers as numbers.
    asked: dict[str, Any]
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Doorstep:
    """What a page shows before it knows who is there."""

    page: HostedPage
    host_name: str
    #: Masked: where the code goes.
    phone: str
    language: Language


async def ask_page(house: House, visit: Visit, wish: PageWish) -> tuple[HostedPage, str] | Refused:
    """Return a new page and the token of its link, which is told once."""
    is_of_purchase = wish.act is PageAct.COST_SHEET and "purchase_id" in wish.asked
    members = _OF_PURCHASE if is_of_purchase else MEMBERS[wish.act]
    if wish.asked.keys() != members:
        named = ", ".join(sorted(members))
        return refuse(PAGE_FORM_INVALID, act=wish.act.value, members=named)
    terms = visit.host.terms
    refused = refuse_address(terms, wish.return_url, is_sandbox=is_sandbox(house))
    if refused is not None:
        return refused
    token, now = pages.new_token(), house.wall.now()
    try:
        async with house.database.transaction() as connection:
            link = await customer_of_visit(connection, visit, wish.reference, asks=True)
            asked = await asked_in_full(house, connection, visit, link, wish.asked)
            wish = replace(wish, asked=asked)
            await _check_subject(connection, visit, link, wish)
            page = HostedPage(
                customer_id=link.customer_id,
                page_id=house.ids.next(),
                host_id=link.host_id,
                act=wish.act,
                asked=wish.asked,
                return_url=wish.return_url,
                token_sha256=pages.digest_of(token),
                state=PageState.WAITING,
                made_at=now,
                expires_at=now + pages.LIFE,
            )
            await store.add_page(connection, page)
            act = Act(name="hosted_page_asked", customer_ids=[link.customer_id])
            await note(house, connection, actor_of(visit), act)
    except RefusedError as error:
        return error.refused
    return page, token


async def _check_subject(connection: Connection, visit: Visit, link: Link, wish: PageWish) -> None:
    """Raise RefusedError where the act is about something that is not the host's."""
    asked = wish.asked
    match wish.act:
        case PageAct.CONSENT:
            require_product(visit, asked["product_code"])
            if asked["notice"] not in NOTICES:
                members = f"a notice of {', '.join(sorted(NOTICES))}"
                raise RefusedError(refuse(PAGE_FORM_INVALID, act=wish.act.value, members=members))
        case PageAct.AGREEMENT:
            kind, number = SubjectKind.APPLICATION, asked["application_id"]
            await subject_of_visit(connection, visit, link, kind, number)
        case PageAct.COST_SHEET:
            await subject_of_visit(connection, visit, link, SubjectKind.LINE, asked["line_id"])
            refused = refuse_drawdown_purpose(visit.host, asked["purpose"])
            refused = refused or await refuse_payee(connection, link, asked["payee_ref"])
            if refused is not None:
                raise RefusedError(refused)


async def read_page(house: House, visit: Visit, reference: str, page_id: int) -> HostedPage:
    """Return a page that the host asked for; raise RefusedError where it did not."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference, asks=True)
        return await page_of_visit(connection, link, page_id)


async def page_of_visit(connection: Connection, link: Link, page_id: int) -> HostedPage:
    """Return a page of a link, held until the transaction ends; raise RefusedError without one."""
    page = await store.lock_page(connection, link.customer_id, page_id)
    if page is None or page.host_id != link.host_id:
        raise RefusedError(refuse(PAGE_NOT_FOUND))
    return page


async def at_the_door(house: House, token: str) -> Doorstep | Refused:
    """Return what a link shows to whoever opens it.

    Nothing is changed: programs that follow links in messages open it, too.
    """
    async with house.database.connection() as connection:
        page = await store.page_of_token(connection, pages.digest_of(token))
        if page is None:
            return refuse(PAGE_NOT_FOUND)
        waiting = pages.opened(page, at=house.wall.now())
        if isinstance(waiting, Refused):
            return waiting
        host = await store.read_host(connection, page.host_id)
        customer = await customers.read_customer(connection, page.customer_id)
        masked = await persons.read_masked(
            connection, house.vault, [page.customer_id], reading("hosted_page")
        )
    assert host is not None, "a page was asked for by a host"
    shown = masked[page.customer_id]
    if customer is None:
        return refuse(PAGE_NOT_FOUND)
    if isinstance(shown, Refused):
        is_gone = shown.code == PERSONAL_DATA_NOT_FOUND.code
        return refuse(PAGE_NOT_FOUND) if is_gone else shown
    return Doorstep(
        page=page,
        host_name=host.terms.name,
        phone=shown.phone,
        language=customer.language,
    )


async def send_code(house: House, token: str, *, source: str = PORTAL) -> str | Refused | None:
    """Send a one-time code to the customer; return it where it may be shown, in a sandbox."""
    door = await at_the_door(house, token)
    if isinstance(door, Refused):
        return await note_turned_away(house, source, CODE, door)
    page, code, now = door.page, new_code(), house.wall.now()
    async with house.database.transaction() as connection:
        counted = await store.QUERIES.add_code.fetchval(
            connection,
            customer_id=page.customer_id,
            page_id=page.page_id,
            mac=_mac(house, page, code),
            issued_at=now,
            expires_at=now + VALID_FOR,
            most=ISSUED_MAX,
        )
        if counted is not None:
            await note_code_sent(house, connection, source, page.customer_id)
    if counted is None:
        refused = refuse(CODES_USED_UP)
        return await note_turned_away(house, source, CODE, refused, customer_id=page.customer_id)
    try:
        return await house.codes.deliver(
            customer_id=page.customer_id, contract_id=page.page_id, code=code
        )
    except RefusedError as error:
        return error.refused


async def recognise(
    house: House, token: str, code: str, *, source: str = PORTAL
) -> Opened | Refused:
    """Open a page's session in the portal, once, for whoever has the code."""
    door = await at_the_door(house, token)
    if isinstance(door, Refused):
        return await note_turned_away(house, source, LINK, door)
    page = door.page
    refused = await _open_page(house, page, code)
    if refused is not None:
        return await note_turned_away(house, source, LINK, refused, customer_id=page.customer_id)
    text = ids.to_text(ids.HOSTED_PAGE, page.page_id)
    back = pages.address_of_return(page, text)
    link = await open_session(house, page.customer_id, scope=f"{SCOPE}:{text}", return_to=back)
    return await open_link(house, link, source=source)


async def _open_page(house: House, page: HostedPage, code: str) -> Refused | None:
    """Open a page with its code, or say why it is not opened."""
    now = house.wall.now()
    async with house.database.connection() as connection:
        # A statement of its own: the attempt stays counted whatever becomes of the rest.
        row = await store.QUERIES.try_code.fetchrow(
            connection, customer_id=page.customer_id, page_id=page.page_id
        )
    stored = None if row is None else StoredCode(**dict(row))
    if refused := refuse_code(stored, _mac(house, page, code), now):
        return refused
    async with house.database.transaction() as connection:
        held = await store.lock_page(connection, page.customer_id, page.page_id)
        assert held is not None, "pages are not removed"
        opened = pages.opened(held, at=now)
        if isinstance(opened, Refused):
            return opened
        used = await store.QUERIES.use_code.execute(
            connection, customer_id=page.customer_id, page_id=page.page_id, at=now
        )
        if not used:
            return refuse(CODE_EXPIRED)
        await store.change_page(connection, opened)
    return None


async def end_page(
    house: House,
    connection: Connection,
    page: HostedPage,
    *,
    result: str | None,
) -> HostedPage:
    """End a page in the caller's transaction, confirm the link, and let the host be told.

    `result` is what came of the act; None where the customer did not agree.
    """
    now = house.wall.now()
    over = (
        pages.refused_by_customer(page, at=now)
        if result is None
        else pages.done(page, result=result, at=now)
    )
    await store.change_page(connection, over)
    link = await store.lock_link(connection, customer_id=page.customer_id, host_id=page.host_id)
    assert link is not None, "a page was asked for over a link"
    if result is not None and link.state is links.LinkState.PENDING:
        await store.put_link(connection, links.confirmed(link, at=house.clock.now()))
        await tell_host(house, connection, "host_link_confirmed", link.customer_id, link.host_id)
    kind = "host_page_refused" if result is None else "host_page_done"
    await tell_host(house, connection, kind, page.customer_id, page.page_id)
    return over


async def tell_host(
    house: House, connection: Connection, kind: str, customer_id: int, subject_id: int
) -> None:
    """Put something that a host should hear into the outbox, in the caller's transaction."""
    told = (house.ids.next(), customer_id, kind, subject_id, "{}", house.clock.now())
    await PLATFORM.add_events.execute(connection, rows=[told])


def evidence_of(page: HostedPage) -> bytes:
    """Return the hash that stands for how the customer was recognised on a page."""
    assert page.opened_at is not None, "an act takes an opened page"
    text = f"{page.customer_id}:{page.page_id}:{page.opened_at.isoformat()}"
    return hashlib.sha256(b"counterfoil/hosted-page/v1\0" + text.encode()).digest()


def seconds_since(shown: dict[str, Any], now: datetime) -> int:
    """Return for how long something was on the screen, by this server's clock."""
    return max(int((now - datetime.fromisoformat(shown["at"])).total_seconds()), 0)


def _mac(house: House, page: HostedPage, code: str) -> bytes:
    return mac_of(house.code_key, page.customer_id, page.page_id, page.token_sha256, code)
