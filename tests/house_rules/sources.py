"""What the rules look at: the repository's files, and what a rule says of them."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: `# house: allow <rule> – <reason>`, at the end of the line it is about or on the one above.
ALLOWANCE = re.compile(
    r"(?:#|--|//|<!--|/\*)\s*house: allow (?P<rule>[a-z-]+)\s*[–-]\s*(?P<why>\S.*)"
)


@dataclass(frozen=True)
class Source:
    """A text file of the repository."""

    #: From the repository's root, with slashes.
    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _tree(self.text)

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def room(self) -> str:
        """Return the package below `counterfoil` that the file stands in; empty elsewhere."""
        parts = self.path.split("/")
        return parts[2] if parts[:2] == ["src", "counterfoil"] and len(parts) > 3 else ""

    def line(self, number: int) -> str:
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True, order=True)
class Violation:
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Check = Callable[[Source], Iterable[tuple[int, str]]]


@dataclass(frozen=True)
class Rule:
    """A rule about single files: a name for the escape, and lines with what is wrong there."""

    name: str
    applies_to: Callable[[Source], bool]
    check: Check

    def violations(self, sources: Iterable[Source]) -> list[Violation]:
        return sorted(
            Violation(source.path, number, what)
            for source in sources
            if self.applies_to(source)
            for number, what in self.check(source)
            if self.name not in allowed_at(source, number)
        )


def allowed_at(source: Source, number: int) -> set[str]:
    """Return the rules that the line, or the line above it, allows to break."""
    found = [ALLOWANCE.search(source.line(place)) for place in (number, number - 1)]
    return {match["rule"] for match in found if match}


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def tracked() -> tuple[Source, ...]:
    """Return every text file under version control, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(_readable(sorted(filter(None, listed.split("\0")))))


def _readable(paths: Iterable[str]) -> Iterator[Source]:
    for path in paths:
        file = ROOT / path
        if not file.is_file():
            continue
        try:
            yield Source(path, file.read_text("utf-8"))
        except UnicodeDecodeError:
            continue


def product() -> tuple[Source, ...]:
    """Return the files below `src/counterfoil`."""
    return tuple(source for source in tracked() if source.path.startswith("src/counterfoil/"))
