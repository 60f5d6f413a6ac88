"""Every page with every role, and with attributes that reach nothing: allowed or refused."""

import re
from datetime import timedelta
from importlib import resources

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.console.access import ROLES, Permission, may
from counterfoil.console.app import PAGES
from counterfoil.console.page import Page
from counterfoil.journeys.admitting.staff_rights import NO_STANDING, Standing
from counterfoil.journeys.guarding.rights import RightsWish, ask_right
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import OpenLine
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.read_acts import Door, load_read_acts
from counterfoil.platform.trail import Wanted, find_entries
from counterfoil.privacy.rights import Right, RightsRequest

ANY = re.compile(r"\b[a-z]{2}_[0-9a-z]{13}\b")
CUSTOMER = re.compile(r"\bcu_[0-9a-z]{13}\b")
#: Ten a year, as a daily rate.
RATE_DAILY_E8 = 27_397
SQL = resources.files("counterfoil.console").joinpath("reading.sql").read_text("utf-8")
#: Views that a desk has of its own.
VIEWS = (
    "loan", "line", "application", "customer", "payment", "contract", "consent", "consent_refused",
    "inquiry", "loan_transaction", "line_event", "line_day", "accrual_day",
)  # fmt: skip


async def standing(*_: object, **__: object) -> Standing:
    """Return the standing of somebody whose rights did not expire while the seed was made."""
    return NO_STANDING


async def address_of(house: House, page: Page) -> str:
    """Return a page's address about a customer who has a loan; other parts name nothing there."""
    async with house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT customer_id, loan_id, line_id, application_id FROM lending.loan"
            " JOIN lending.credit_line USING (customer_id, line_id)"
            " WHERE loan.status = 'open' ORDER BY loan_id LIMIT 1"
        )
    known = {
        "customer": ids.to_text(ids.CUSTOMER, row["customer_id"]),
        "loan": ids.to_text(ids.LOAN, row["loan_id"]),
        "line": ids.to_text(ids.LINE, row["line_id"]),
        "application": ids.to_text(ids.APPLICATION, row["application_id"]),
        "owner": ids.to_text(ids.CUSTOMER, row["customer_id"]),
    }
    return "/console" + re.sub(
        r"{(\w+)(?::\w+)?}", lambda m: known.get(m[1], "nothing-here"), page.path
    )


async def give(house: House, operator: str, attribute: str, value: str) -> None:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO platform.attribute_grant VALUES"
            " ($1, $2, $3, $4, 'test', 'officer.a', 'officer.b', 1, $5, $6)",
            house.ids.next(), operator, attribute, value, now, now + timedelta(days=9),
        )  # fmt: skip


GUARDED = [page for page in PAGES if page.permission is not None]


@pytest.mark.parametrize("role", list(ROLES))
async def test_every_page_opens_for_the_roles_that_may_and_for_nobody_else(
    stranger: Browser, role: str
) -> None:
    await stranger.sign_in(role)
    reads = load_read_acts()[Door.CONSOLE]
    given = load_matrix().purposes_given(Actor(name=role, role=role, source="test"))
    for page in GUARDED:
        assert page.permission is not None
        answer = await stranger.get(await address_of(stranger.house, page))
        allowed = may(role, page.permission) and not (page.is_sealed and stranger.aliases)
        allowed = allowed and reads[page.path].purposes <= given
        assert answer.status_code != 500, page.path
        assert (answer.status_code == 403) is not allowed, (role, page.path, answer.status_code)


async def test_whoever_reaches_nothing_sees_nobody_on_any_page(stranger: Browser) -> None:
    await give(stranger.house, "compliance", "product", "cash-line-invited")
    await give(stranger.house, "compliance", "region", "99")
    await stranger.sign_in("compliance")
    for page in GUARDED:
        assert page.permission is not None
        if not may("compliance", page.permission):
            continue
        address = await address_of(stranger.house, page)
        answer = await stranger.get(address)
        if "{customer}" in page.path and not page.is_way_to_case:
            assert answer.status_code == 403, page.path
        seen = set(CUSTOMER.findall(answer.text)) - set(CUSTOMER.findall(address))
        # The trail is of the whole house, for whoever may read it.
        assert page.permission is Permission.READ_TRAIL or seen == set(), (page.path, seen)


async def test_the_figures_of_the_book_are_those_of_ones_own_products(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    whole = (await stranger.get("/console/figures/late.csv")).text
    assert re.search(r"\d%", (await stranger.get("/console/")).text)
    await give(stranger.house, "compliance", "product", "cash-line-invited")
    cut = (await stranger.get("/console/figures/late.csv")).text
    assert len(whole.splitlines()) > len(cut.splitlines())
    for chart in ("late", "flows"):
        file = (await stranger.get(f"/console/figures/{chart}.csv")).text
        assert len(file.splitlines()) == 2, chart  # the mark and the head, no day
    await give(stranger.house, "compliance", "product", "cash-line-open")
    own = (await stranger.get("/console/figures/late.csv")).text
    assert len(own.splitlines()) > len(cut.splitlines())
    assert own.splitlines()[2:] != whole.splitlines()[2:]  # another product is in the whole


async def test_outside_the_hours_no_page_opens_but_the_sign_in(stranger: Browser) -> None:
    await give(stranger.house, "auditor", "hours", "67.0100-0101")
    await stranger.sign_in("auditor")
    for page in GUARDED:
        answer = await stranger.get(await address_of(stranger.house, page))
        assert answer.status_code == 403, page.path
        assert faults(answer.text) == []


async def test_a_customer_is_seen_through_a_case_that_is_taken_on_the_way(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where staff is guarded, support has lists of nobody until something that waits is taken."""
    house = stranger.house
    monkeypatch.setattr("counterfoil.console.app.is_factor_required", lambda *_: False)
    monkeypatch.setattr(type(house.settings), "guards_staff", property(lambda _: True))
    monkeypatch.setattr("counterfoil.console.app.standing_of", standing)
    await stranger.sign_in("operations")
    assert CUSTOMER.search((await stranger.get("/console/customers")).text) is None
    page = next(page for page in GUARDED if page.path == "/customers/{customer}")
    address = await address_of(house, page)
    refused = await stranger.get(address)
    assert refused.status_code == 403
    assert f'href="{address}/case"' in refused.text
    assert faults(refused.text) == []
    empty = await stranger.get(f"{address}/case")
    assert "Nothing waits about this customer" in empty.text
    number = ids.from_text(ids.CUSTOMER, address.rsplit("/", 1)[1])
    wish = RightsWish(
        customer_id=number, kind=Right.COPY, about="", said="", method="", by="api:shop"
    )
    asked = await ask_right(house, wish)
    assert isinstance(asked, RightsRequest)
    form = await stranger.get(f"{address}/case")
    assert faults(form.text) == []
    task = f"rights.{ids.to_text(ids.ROW, asked.request_id)}"
    taken = await stranger.submit(form, f"{address}/case", task=task, reason="answer them")
    assert taken.headers["location"] == address
    assert (await stranger.get(address)).status_code == 200
    listed = (await stranger.get("/console/customers")).text
    assert set(CUSTOMER.findall(listed)) == {ids.to_text(ids.CUSTOMER, number)}
    async with house.database.connection() as connection:
        lines = await find_entries(connection, Wanted(actor="operations"))
    assert ("console", "case_needed") in {(line.act, line.outcome) for line in lines}
    views = [line for line in lines if line.act == "view" and line.subject == page.path]
    assert [line.customer_ids for line in views] == [(number,)]
    assert views[0].ticket.startswith("cc_")


async def test_a_list_is_one_line_of_the_trail_with_everybody_on_it(browser: Browser) -> None:
    shown = set(CUSTOMER.findall((await browser.get("/console/loans")).text))
    assert len(shown) > 1
    async with browser.house.database.connection() as connection:
        lines = await find_entries(connection, Wanted(actor="administrator", act="view"))
    [line] = [line for line in lines if line.subject == "/loans"]
    assert {ids.to_text(ids.CUSTOMER, number) for number in line.customer_ids} == shown
    assert (line.purpose, line.role) == ("contract", "administrator")
    assert line.source.startswith("console ")


def test_what_a_desk_shows_is_read_there_and_not_past_it() -> None:
    """A list that read the whole book instead would show it to whoever is limited."""
    desk = {name for name in VIEWS if f"desk.{name}" in SQL}
    assert {"loan", "line", "application", "customer", "payment"} <= desk
    past = re.findall(rf"reporting\.({'|'.join(VIEWS)})\b", SQL)
    assert past == []


async def test_a_queue_shows_what_waits_within_ones_reach_and_nothing_else(
    stranger: Browser,
) -> None:
    house = stranger.house
    page = next(page for page in GUARDED if page.path == "/customers/{customer}")
    customer = (await address_of(house, page)).rsplit("/", 1)[1]
    wish = RightsWish(
        customer_id=ids.from_text(ids.CUSTOMER, customer),
        kind=Right.COPY, about="", said="", method="", by="api:shop",
    )  # fmt: skip
    asked = await ask_right(house, wish)
    assert isinstance(asked, RightsRequest)
    await stranger.sign_in("compliance")
    assert customer in (await stranger.get("/console/person-rights")).text
    await give(house, "compliance", "product", "cash-line-invited")
    assert customer not in (await stranger.get("/console/person-rights")).text
    await give(house, "compliance", "product", "cash-line-open")
    assert customer in (await stranger.get("/console/person-rights")).text


def test_every_queue_is_cut_down_to_what_is_in_reach() -> None:
    """Journeys give what waits about everybody; a page that forgot to cut it would show that."""
    queues = (
        "reviews_open", "waiting_cases", "open_appeals", "open_requests", "open_cases",
        "corrections_waiting",
    )  # fmt: skip
    asked = re.compile(rf"await (?:\w+\.)?(?:{'|'.join(queues)})\(")
    used = 0
    for file in resources.files("counterfoil.console.pages").iterdir():
        if file.name.endswith(".py"):
            text = file.read_text("utf-8")
            used += len(asked.findall(text))
            assert len(asked.findall(text)) <= text.count("visit.in_queue("), file.name
    assert used > len(queues)


def test_every_permission_and_scope_is_declared_as_an_act() -> None:
    assert set(load_matrix().acts) == {*map(str, Permission), *map(str, Scope)}


async def test_of_a_customer_with_two_products_only_the_own_ones_matters_show(
    stranger: Browser,
) -> None:
    """On no page, in no queue, behind no address; and no case is taken of the other's matters."""
    house = stranger.house
    page = next(page for page in GUARDED if page.path == "/customers/{customer}/loans/{loan}")
    customer, loan = (
        (await address_of(house, page)).removeprefix("/console/customers/").split("/loans/")
    )
    number = ids.from_text(ids.CUSTOMER, customer)
    await plant(house, number)
    async with house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT kind, number FROM reporting.matter WHERE customer_id = $1"
            " AND product_code = 'cash-line-open' AND number IS NOT NULL", number,
        )  # fmt: skip
    foreign = {ids.to_text(row["kind"], row["number"]) for row in rows}
    assert {"ln", "lo", "ap", "pm", "rv", "la", "lx", "ct", "tx"} <= {t[:2] for t in foreign}
    await give(house, "compliance", "product", "cash-line-invited")
    await stranger.sign_in("compliance")
    seen = dict[str, set[str]]()
    for one in GUARDED:
        if one.permission is None or not may("compliance", one.permission) or one.is_way_to_case:
            continue
        first = await address_of(house, one)
        addresses = [first]
        # The pages of the other product's matters, by the number that each has.
        for name, kind in (("review", "rv"), ("case", "lx"), ("appeal", "la"), ("payment", "pm")):
            if f"{{{name}}}" in one.path:
                own = next(text for text in sorted(foreign) if text.startswith(kind))
                addresses.append(first.replace("nothing-here", own, 1))
        for address in addresses:
            answer = await stranger.get(address)
            if set(ANY.findall(address)) & foreign:
                assert answer.status_code in {403, 404}, address
            # A page that is refused leads back to its own address.
            shown = (set(ANY.findall(answer.text)) & foreign) - set(ANY.findall(address))
            if shown and one.permission is not Permission.READ_TRAIL:
                seen[one.path] = shown
    assert seen == {}
    opened = await stranger.get(f"/console/customers/{customer}")
    assert opened.status_code == 200
    assert loan not in opened.text


async def plant(house: House, customer_id: int) -> None:
    """Give a customer a second product, and let matters of the first wait in every queue."""
    line = house.ids.next()
    opened = await house.counter.submit(
        OpenLine(
            customer_id=customer_id, line_id=line, application_id=line, contract_id=line,
            product_code="cash-line-invited", product_version=1, limit_minor=100_000,
            currency="CNY", rate_daily_e8=RATE_DAILY_E8, repayment_day=15,
            agreement_sha256=bytes(32),
        ),
        idempotency_key="second",
    )  # fmt: skip
    assert not isinstance(opened, Refused), opened
    async with house.database.transaction() as connection:
        own = await connection.fetchrow(
            "SELECT line_id, application_id, payment_id FROM lending.credit_line"
            " JOIN payments.payment USING (customer_id, line_id)"
            " WHERE customer_id = $1 LIMIT 1", customer_id,
        )  # fmt: skip
        number = house.ids.next
        await connection.execute(
            "INSERT INTO payments.suspense (customer_id, payment_id, case_no, cause, opened_at)"
            " VALUES ($1, $2, 9, 'books_refused', now())", customer_id, own["payment_id"],
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO decisioning.review (customer_id, review_id, about, subject_id,"
            " decision_no, outcome, policy_hash, policy_version, said, requested_at,"
            " requested_by, due_on) SELECT $1, $2, 'application', $3, 1, 'declined',"
            " policy_hash, 'v', '', now(), 'api:shop', now()::date"
            " FROM decisioning.decision LIMIT 1",
            customer_id, number(), own["application_id"],
        )  # fmt: skip
        # Their reviews and measures are not planted with them.
        await connection.execute("SET LOCAL session_replication_role = replica")
        for table, kind in (("line_review_case", "case_id"), ("line_appeal", "appeal_id")):
            await connection.execute(
                f"INSERT INTO decisioning.{table} SELECT (jsonb_populate_record("
                f"NULL::decisioning.{table}, jsonb_build_object('customer_id', {customer_id},"
                f" '{kind}', {number()}, 'line_id', {own['line_id']}, 'review_id', 1,"
                f" 'measure_id', 1, 'proposals', '[\"look\"]'::jsonb, 'opened_at', now(),"
                f" 'grounds', 'x', 'received_at', now(), 'due_on', current_date,"
                f" 'status', 'open'))).*"
            )


async def test_what_somebody_did_stands_in_the_trail_with_before_and_after(
    stranger: Browser,
) -> None:
    house = stranger.house
    page = next(page for page in GUARDED if page.path == "/customers/{customer}/lines/{line}")
    address = await address_of(house, page)
    await stranger.sign_in("compliance")
    form = await stranger.get(f"{address}/freeze")
    sent = {"reason": "a doubt, call 13800138000", "until": "", "step": "preview"}
    preview = await stranger.submit(form, f"{address}/freeze", **sent)
    done = await stranger.submit(preview, f"{address}/freeze", **{**sent, "step": "confirm"})
    assert done.status_code == 303, done.text
    async with house.database.connection() as connection:
        # It was announced first, and then the line was frozen: each commit tells what it left.
        line, told = await find_entries(connection, Wanted(actor="compliance", act="submit"))
        [command] = await find_entries(connection, Wanted(actor="compliance", act="freeze_line"))
    customer = ids.from_text(ids.CUSTOMER, address.split("/")[3])
    assert (line.customer_id, line.role) == (customer, "compliance")
    assert line.subject == f"{address}/freeze".removeprefix("/console")
    assert line.source.startswith("console ")
    assert "doubt" in line.reason
    assert "13800138000" not in line.reason
    assert line.before.startswith("status=active limit_minor=")
    assert told.after.startswith("status=active limit_minor=")
    assert "status=frozen" in line.after
    assert (command.source, command.is_command) == (line.source, True)
