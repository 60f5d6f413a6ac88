"""Chromium against the served console; any error on the way fails the test.

The browser is the system's own `chromium`. Where it is not installed the tests are skipped, and
say so. The policy stays on; a message on the browser's console or a violation is a failure.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from tests.console.conftest import PASSWORD, console_home, seeded_server

__all__ = ["console_home", "seeded_server"]

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
#: A slow machine takes some seconds to open the house; a test never waits longer.
SERVER_SECONDS_MAX = 180
expect.set_options(timeout=60_000)


@dataclass(slots=True)
class Reader:
    """A person at the console."""

    context: BrowserContext
    page: Page
    address: str
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, name: str = "administrator") -> Page:
        page = self.open("/console/sign-in")
        page.get_by_label("Name").or_(page.get_by_label("用户名")).fill(name)
        page.locator("#field-password").fill(PASSWORD)
        page.locator("main button.primary").click()
        page.wait_for_url("**/console/")
        return page


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@pytest.fixture(scope="session")
def address(seeded_server: str, console_home: Path) -> Iterator[str]:
    """The console of a seeded lender, served as it is in production."""
    port = _free_port()
    program = Path(__file__).with_name("serve_console.py")
    server = subprocess.Popen(
        [sys.executable, str(program), seeded_server, str(console_home), str(port)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."])},
    )
    found = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + SERVER_SECONDS_MAX
    try:
        while True:
            try:
                if httpx.get(f"{found}/console/static/icon.svg", timeout=5).is_success:
                    break
            except httpx.TransportError:
                assert server.poll() is None, "the server of the browser tests stopped"
                assert time.monotonic() < deadline, "the server of the browser tests is silent"
                time.sleep(0.1)
        yield found
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def chromium(address: str) -> Iterator[Browser]:
    """The browser of one module; its own event loop must not outlive the module's tests."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


class Visitors:
    """Makes readers and listens to all of them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self.readers: list[Reader] = []

    def reader(
        self,
        *,
        width: int = 1440,
        theme: str = "light",
        language: str = "en-GB",
        has_script: bool = True,
    ) -> Reader:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            locale=language,
            java_script_enabled=has_script,
            reduced_motion="reduce",
        )
        reader = Reader(context, context.new_page(), self._address)
        reader.page.on("console", lambda message: self._hear(reader, message))
        reader.page.on("pageerror", lambda error: reader.said.append(f"error: {error}"))
        self.readers.append(reader)
        return reader

    def _hear(self, reader: Reader, message: ConsoleMessage) -> None:
        # The browser itself remarks on a status that is not a success; pages for 401 and 422 are
        # looked at on purpose.
        if "the server responded with a status of 4" not in message.text:
            reader.said.append(f"{message.type}: {message.text}")


@pytest.fixture
def visitors(chromium: Browser, address: str) -> Iterator[Visitors]:
    found = Visitors(chromium, address)
    yield found
    said = [line for reader in found.readers for line in reader.said]
    for reader in found.readers:
        reader.context.close()
    assert said == []
