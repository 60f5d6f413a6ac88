"""Every page that can be reached by links, opened by who may: each reads for what it says."""

import re
from collections import defaultdict

from starlette.routing import compile_path
from tests.console.conftest import Browser

from counterfoil.console.app import PAGES
from counterfoil.console.frame import BASE
from counterfoil.platform.trail import Wanted, find_entries

#: Records of one address that are opened.
OPENED_EACH = 1
_ADDRESSES = [(page.path, compile_path(BASE + page.path)[0]) for page in PAGES]
_LINK = re.compile(r'href="(/console/[^"#]*)')


def address_of(path: str) -> str:
    """Return the address in the list of pages that a path is of."""
    plain = path.partition("?")[0]
    return next((address for address, pattern in _ADDRESSES if pattern.match(plain)), "")


async def walk(browser: Browser, start: str = f"{BASE}/") -> dict[str, list[int]]:
    """Open pages by the links on them; return the states of the answers by address."""
    opened: dict[str, list[int]] = defaultdict(list)
    waiting, known = [start], {start}
    while waiting:
        path = waiting.pop(0)
        address = address_of(path)
        if not address or len(opened[address]) >= OPENED_EACH:
            continue
        page = await browser.get(path)
        opened[address].append(page.status_code)
        for link in _LINK.findall(page.text):
            found = link.replace("&amp;", "&")
            if found not in known:
                known.add(found)
                waiting.append(found)
    return opened


async def test_every_page_reads_for_what_it_says(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    opened = await walk(stranger)
    assert 500 not in {state for states in opened.values() for state in states}
    assert len(opened) > 60


async def test_who_is_not_given_the_purposes_of_a_page_is_refused_and_recorded(
    stranger: Browser,
) -> None:
    await stranger.sign_in("collector")
    opened = await walk(stranger)
    assert set(opened["/customers/{customer}"]) == {200}
    assert set(opened["/loans"]) == {200}
    assert "/consents" not in opened
    refused = await stranger.get(f"{BASE}/consents")
    assert refused.status_code == 403
    assert "reads for consent" in refused.text
    async with stranger.house.database.connection() as connection:
        found = await find_entries(connection, Wanted(actor="collector"), page=200)
    lines = [(entry.act, entry.subject, entry.outcome, entry.purpose) for entry in found]
    assert ("console", "/consents", "purpose_not_given", "consent") in lines
    assert ("view", "/customers/{customer}", "done", "contract") in lines


async def test_a_part_of_a_page_is_left_out_for_whom_it_is_not(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    listed = await stranger.get(f"{BASE}/customers")
    customer = next(
        link for link in _LINK.findall(listed.text) if address_of(link) == "/customers/{customer}"
    )
    whole = (await stranger.get(customer)).text
    assert "<h2>Applications</h2>" in whole
    await stranger.sign_in("collector")
    part = (await stranger.get(customer)).text
    assert "<h2>Applications</h2>" not in part
    assert f'href="{customer}/consents"' not in part
    assert f'href="{customer}/consents"' in whole
