"""Pictures of every page of the console: both themes, both languages, three widths.

Run as `make shots`; the pictures are written to `.shots/`. A seeded lender with a frozen clock
stands behind them, so that two runs give the same pages.
"""

import argparse
import asyncio
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.routing import Mount

from counterfoil.console.app import create_console
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.platform import access, embedded, migrate
from counterfoil.platform.settings import Settings
from counterfoil.simulator.world import FIRST_DATE, OPENS_AT, World

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
OPERATOR, PASSWORD = "lin.xiao", "only for pictures"
HEIGHT = 900
#: Longer pages are cut: nobody looks at the five-thousandth pixel of a list.
HEIGHT_MAX = 3_000
WIDTHS = (1440, 820, 390)
LANGUAGES = {"zh-CN": "zh", "en-GB": "en"}
THEMES = ("light", "dark")


class Shot(NamedTuple):
    """Where a picture is taken: an address, and what is followed from there."""

    path: str
    #: The first record of the list there is opened.
    is_record: bool = False
    #: Added to the record's address.
    then: str = ""


_CUSTOMER = "/console/customers"
PAGES = {
    "overview": Shot("/console/"),
    "quality": Shot("/console/quality"),
    "applications": Shot("/console/applications"),
    "application": Shot("/console/applications?status=declined", is_record=True),
    "customers": Shot(_CUSTOMER),
    "customer": Shot(_CUSTOMER, is_record=True),
    "customer-identity": Shot(_CUSTOMER, is_record=True, then="/identity"),
    "customer-consents": Shot(_CUSTOMER, is_record=True, then="/consents"),
    "customer-inquiries": Shot(_CUSTOMER, is_record=True, then="/inquiries"),
    "customer-contracts": Shot(_CUSTOMER, is_record=True, then="/contracts"),
    "customer-capacity": Shot(_CUSTOMER, is_record=True, then="/capacity"),
    "customer-profile": Shot(_CUSTOMER, is_record=True, then="/profile"),
    "customer-settings": Shot(_CUSTOMER, is_record=True, then="/settings"),
    "lines": Shot("/console/lines"),
    "line": Shot("/console/lines?sort=used&order=desc", is_record=True),
    "line-cases": Shot("/console/line-cases"),
    "appeals": Shot("/console/appeals"),
    "loans": Shot("/console/loans"),
    "loan": Shot("/console/loans?status=open&sort=days_past_due&order=desc", is_record=True),
    "payments": Shot("/console/payments"),
    "payment": Shot("/console/payments", is_record=True),
    "payment-cases": Shot("/console/payment-cases"),
    "rails": Shot("/console/rails"),
    "rail": Shot("/console/rails", is_record=True),
    "prices": Shot("/console/prices"),
    "templates": Shot("/console/contract-templates"),
    "template": Shot("/console/contract-templates/credit-agreement/1"),
    "agreement-notices": Shot("/console/agreement-notices"),
    "agreement-notice-new": Shot("/console/agreement-notices/new"),
    "scenes": Shot("/console/scenes"),
    "scene-merchant": Shot("/console/scenes", is_record=True),
    "hosts": Shot("/console/hosts"),
    "campaigns": Shot("/console/hosts/campaigns"),
    "campaign-new": Shot("/console/hosts/campaigns/new"),
    "reviews": Shot("/console/reviews"),
    "identity-cases": Shot("/console/identity-cases"),
    "policies": Shot("/console/policies"),
    "models": Shot("/console/models"),
    "experiments": Shot("/console/experiments"),
    "exposure": Shot("/console/exposure"),
    "data": Shot("/console/data"),
    "corrections": Shot("/console/data/corrections"),
    "funnel": Shot("/console/funnel?period=90"),
    "reconciliation": Shot("/console/reconciliation"),
    "evidence": Shot("/console/evidence"),
    "person-rights": Shot("/console/person-rights"),
    "exports": Shot("/console/exports"),
    "trail": Shot("/console/trail"),
    "approvals": Shot("/console/approvals"),
    "staff": Shot("/console/staff"),
    "emergency": Shot("/console/emergency"),
    "keys": Shot("/console/keys"),
    "ledger": Shot("/console/ledger"),
    "account": Shot("/console/ledger", is_record=True),
    "days": Shot("/console/days"),
    "day": Shot("/console/days", is_record=True),
    "preferences": Shot("/console/preferences"),
    "gallery": Shot("/console/_gallery"),
    "missing": Shot("/console/nothing"),
}


async def seed(house: House, clock: TestClock, *, applicants: int, days: int) -> None:
    """Live through a lender's first months and add somebody who looks at them."""
    world = World(house, clock, applicants=applicants, days=days, seed=7)
    await world.run(lambda _what, _count: None)
    async with house.database.transaction() as connection:
        await access.set_operator(
            connection,
            operator_id=house.ids.next(),
            name=OPERATOR,
            role=access.Role.ADMINISTRATOR,
            password=PASSWORD,
            now=clock.now(),
        )


async def take(browser: Browser, address: str, into: Path, names: Sequence[str]) -> int:
    """Take all pictures; return how many."""
    count = 0
    for language, short in LANGUAGES.items():
        for theme in THEMES:
            for width in WIDTHS:
                context = await browser.new_context(
                    viewport={"width": width, "height": HEIGHT},
                    color_scheme="dark" if theme == "dark" else "light",
                    locale=language,
                    reduced_motion="reduce",
                )
                page = await context.new_page()
                await page.goto(f"{address}/console/sign-in")
                await picture(page, into / f"sign-in_{short}_{theme}_{width}.png", width)
                await page.fill("#field-operator", OPERATOR)
                await page.fill("#field-password", PASSWORD)
                await page.click("main button.primary")
                for name in names:
                    await open_page(page, address, name)
                    await picture(page, into / f"{name}_{short}_{theme}_{width}.png", width)
                count += len(names) + 1
                await context.close()
    return count


async def open_page(page: Page, address: str, name: str) -> None:
    """Open one of the pages."""
    shot = PAGES[name]
    await page.goto(address + shot.path)
    if shot.is_record:
        link = page.locator("main table").last.locator("tbody th a").first
        await page.goto(address + (await link.get_attribute("href") or "") + shot.then)


async def picture(page: Page, file: Path, width: int) -> None:
    """Write the whole page, up to a height, to a file."""
    height = int(await page.evaluate("document.documentElement.scrollHeight"))
    await page.set_viewport_size({"width": width, "height": min(height, HEIGHT_MAX)})
    await page.screenshot(path=file)
    await page.set_viewport_size({"width": width, "height": HEIGHT})


async def run(url: str, home: Path, into: Path, arguments: argparse.Namespace) -> None:
    """Seed, serve and take the pictures."""
    await migrate.apply(url)
    clock = TestClock(datetime.combine(FIRST_DATE, OPENS_AT))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    async with open_house(Settings(home=home), url, clock=clock, first_date=FIRST_DATE) as house:
        await seed(house, clock, applicants=arguments.applicants, days=arguments.days)
        site = Starlette(routes=[Mount("/console", app=create_console(house, wall=clock))])
        server = uvicorn.Server(uvicorn.Config(site, port=port, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(FLAGS)
            )
            names = [name for name in PAGES if re.search(arguments.only, name)]
            count = await take(browser, f"http://127.0.0.1:{port}", into, names)
            await browser.close()
        server.should_exit = True
        await serving
    print(f"{count} pictures in {into}/")


def main() -> None:
    """Read the arguments and take the pictures on a database of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", default=".shots", help="directory for the pictures")
    parser.add_argument("--only", default="", help="pattern of the names of pages")
    parser.add_argument("--applicants", type=int, default=120)
    parser.add_argument("--days", type=int, default=100)
    arguments = parser.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("chromium is not installed: make setup, or apt-get install chromium")
    into = Path(arguments.into)
    into.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="counterfoil-shots-") as folder:
        home = Path(folder)
        with embedded.running(home) as url:
            asyncio.run(run(url, home, into, arguments))


if __name__ == "__main__":
    main()
