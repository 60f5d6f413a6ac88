"""Capacity and exposure: of one customer with age and source, and of the whole book."""

import re

from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record


async def test_a_customer_shows_measures_runs_and_what_is_unknown(browser: Browser) -> None:
    customer = first_record((await browser.get("/console/customers")).text)
    page = await browser.get(f"{customer}/capacity")
    assert page.status_code == 200
    assert faults(page.text) == []
    for words in ("Guard against too much debt", "Total debt", "Income a month", "Application"):
        assert words in page.text
    assert re.search(r"gd_[0-9a-z]{13}", page.text)


async def test_the_book_shows_the_outcomes_of_the_guard(browser: Browser) -> None:
    page = await browser.get("/console/exposure")
    assert "Customers looked at" in page.text
    assert "Not known" in page.text
