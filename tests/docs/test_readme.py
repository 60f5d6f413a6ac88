"""What the READMEs tell to type works as it stands there, and gives what stands beneath it.

The commands run in bash, in a directory that has only the environment, against a small
demonstration on a port of its own; `make demo` is that demonstration, `make test` is this.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.platform import embedded

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
ADDRESS = "127.0.0.1:8000"
#: One block, `bash` to be run or `text` that a run has to show.
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Not run here: the one is the fixture, the other would run this test.
MAKE = {"make demo\n", "make test\n"}
DEMO = ("--applicants", "25", "--days", "30")
SECONDS_MAX = 180


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory as a reader has it: with an environment in `.venv`."""
    place = tmp_path_factory.mktemp("reader")
    (place / ".venv").symlink_to(sys.prefix)
    return place


@pytest.fixture(scope="module")
def environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "COUNTERFOIL_HOME": str(folder / ".counterfoil"),
        "COUNTERFOIL_PORT": str(port),
        "PYTHONWARNINGS": "",
    }


@pytest.fixture(scope="module")
def demonstration(folder: Path, environment: dict[str, str], port: int) -> Iterator[None]:
    """Start what `make demo` starts, smaller, and wait until it serves."""
    written = folder / "demo.txt"
    with written.open("wb") as output:
        server = subprocess.Popen(
            [".venv/bin/counterfoil", "demo", *DEMO],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(server, port, written)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=SECONDS_MAX)
        embedded.stop(folder / ".counterfoil")


def _wait(server: "subprocess.Popen[bytes]", port: int, written: Path) -> None:
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        assert server.poll() is None, written.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(written.read_text(encoding="utf-8"))


def blocks(name: str) -> list[tuple[str, str]]:
    """Return the blocks to be run, each with the texts that stand beneath it."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall((ROOT / name).read_text(encoding="utf-8")):
        if kind == "bash":
            found.append((text, ""))
        else:
            run, shown = found[-1]
            found[-1] = (run, shown + text)
    return found


@pytest.mark.parametrize("name", READMES)
@pytest.mark.usefixtures("demonstration")
def test_every_command_runs_and_shows_what_stands_beneath_it(
    name: str, folder: Path, environment: dict[str, str], port: int
) -> None:
    told = [block for block in blocks(name) if block[0] not in MAKE]
    assert len(told) >= 7
    script = "set -euo pipefail\n" + "".join(f"{run}printf '\\0'\n" for run, _ in told)
    done = subprocess.run(
        ["bash", "-c", script.replace(ADDRESS, f"127.0.0.1:{port}")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for (run, shown), output in zip(told, done.stdout.split("\0"), strict=False):
        assert missing(shown, output) is None, f"{run}\ngave\n{output}"


def missing(shown: str, output: str) -> str | None:
    """Return the first line of a text that the output does not have in its place; … is anything."""
    lines = iter(output.splitlines())
    for line in shown.splitlines():
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if not any(pattern.fullmatch(found) for found in lines):
            return line
    return None


def test_the_last_commands_say_that_books_and_inquiries_are_sound() -> None:
    for name in READMES:
        assert blocks(name)[-2][0].endswith(".venv/bin/counterfoil fsck\n")
        assert blocks(name)[-1][0].endswith(".venv/bin/counterfoil audit inquiries\n")


def test_a_difference_is_noticed() -> None:
    assert missing("a …\nb\n", "x\na 1\nc\nb\n") is None
    assert missing("b\na\n", "a\nb\n") == "a"
    assert missing("200860\n", "200000\n") == "200860"


def test_both_languages_have_the_same_commands_but_for_the_person() -> None:
    english, chinese = ([run for run, _ in blocks(name)] for name in READMES)
    assert len(english) == len(chinese)
    same = [one for one, other in zip(english, chinese, strict=True) if one == other]
    assert set(MAKE) <= set(english)
    assert len(same) >= 5


def test_make_has_what_is_told() -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo: .*\n\t@\$\(BIN\)/counterfoil demo \$\(ARGS\)$", made, re.MULTILINE)
    assert re.search(r"^test: ", made, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    lost = [
        link
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)
        if not leads_somewhere(document, link)
    ]
    assert lost == []


def leads_somewhere(document: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = (document.parent / place).resolve() if place else document
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as hosts of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
