"""The text of a template: its clauses with variables, conditions and tables, parsed and checked.

Form        One line, one block; blank lines separate for the eye only.
              # title            once, the first block of a document
              ## heading         a clause
              - item             an item of a list
              {table name: a | b | c}   a table with its column heads
              {if flag} … {unless flag} … {end}   each on a line of its own; they nest
              ---                once: what follows is the signing record
            In a line `{name}` stands for a variable; a brace says nothing else.
Errors      Every fault of the text is named with its place and its reason, all at once.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from counterfoil.contracts.document import Shape

SEPARATOR: Final = "---"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_DIRECTIVE: Final = re.compile(r"\{(?P<word>[a-z]+)(?:[ ](?P<rest>[^{}]*))?\}")
_PIECES: Final = re.compile(r"\{([^{}]*)\}|([{}])")
#: Conditions inside conditions; more than this is a mistake.
_DEPTH_MAX: Final = 5
_MARKS: Final = ("# ", "## ", "- ")


class Fault(NamedTuple):
    """What is wrong with a text, and where."""

    place: str
    reason: str


class Variable(NamedTuple):
    """A place that a value goes to."""

    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A title, a heading, an item or a paragraph."""

    #: The mark it begins with; empty for a paragraph.
    mark: str
    parts: tuple[str | Variable, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its column heads."""

    name: str
    heads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Blocks that stand only where a flag is set, or only where it is not."""

    flag: str
    wanted: bool
    blocks: tuple["Block", ...]


Block = Line | Table | Condition


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed text: the document and what is printed behind it."""

    document: tuple[Block, ...]
    #: Empty where the text has no separator.
    record: tuple[Block, ...]


def parse(source: str) -> Text | list[Fault]:
    """Return the blocks of a text, or everything that is wrong with its form."""
    reader = _Reader()
    for number, line in enumerate(source.splitlines(), start=1):
        reader.read(number, line)
    reader.end()
    if reader.faults:
        return reader.faults
    return Text(tuple(reader.parts[0]), tuple(reader.parts[1]) if len(reader.parts) > 1 else ())


def faults_of_use(blocks: Sequence[Block], shape: Shape, where: str) -> list[Fault]:
    """Return what blocks use that their kind does not have, and what they leave out."""
    used, flags, tables = _uses(blocks)
    faults = [
        Fault(f"{where} {{{name}}}", f"there is no variable {name}")
        for name in sorted(used - shape.variables)
    ]
    faults += [
        Fault(where, f"the variable {name} is missing") for name in sorted(shape.required - used)
    ]
    always = _uses([block for block in blocks if not isinstance(block, Condition)])[0]
    faults += [
        Fault(where, f"the variable {name} stands only under a condition")
        for name in sorted(shape.required & used - always)
    ]
    faults += [
        Fault(f"{where} {{if {name}}}", f"there is no condition {name}")
        for name in sorted(flags - shape.flags)
    ]
    faults += [
        Fault(where, f"the table {name} is missing")
        for name in sorted(set(shape.tables) - set(tables))
    ]
    for name, columns in sorted(tables.items()):
        wanted = shape.tables.get(name) or shape.tables_optional.get(name)
        if wanted is None:
            faults.append(Fault(f"{where} {{table {name}}}", f"there is no table {name}"))
        elif columns != wanted:
            reason = f"has {columns} column heads and needs {wanted}"
            faults.append(Fault(f"{where} {{table {name}}}", reason))
    return faults


def headings(blocks: Sequence[Block]) -> int:
    """Return how many clauses blocks have, those under conditions included."""
    count = 0
    for block in blocks:
        if isinstance(block, Condition):
            count += headings(block.blocks)
        elif isinstance(block, Line) and block.mark == "## ":
            count += 1
    return count


def lines_with_figures(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the lines whose own words have a figure: no terms stand behind it.

    Headings are left out; their figures count clauses.
    """
    for block in blocks:
        if isinstance(block, Condition):
            yield from lines_with_figures(block.blocks)
        elif isinstance(block, Line) and not block.mark.startswith("#"):
            said = [part for part in block.parts if isinstance(part, str)]
            if any(letter.isdigit() for part in said for letter in part):
                yield "".join(p if isinstance(p, str) else f"{{{p.name}}}" for p in block.parts)


def _uses(blocks: Sequence[Block]) -> tuple[set[str], set[str], dict[str, int]]:
    variables: set[str] = set()
    flags: set[str] = set()
    tables: dict[str, int] = {}
    for block in blocks:
        if isinstance(block, Line):
            variables |= {part.name for part in block.parts if isinstance(part, Variable)}
        elif isinstance(block, Table):
            tables[block.name] = len(block.heads)
        else:
            inner = _uses(block.blocks)
            variables |= inner[0]
            flags |= {block.flag, *inner[1]}
            tables |= inner[2]
    return variables, flags, tables


@dataclass(slots=True)
class _Open:
    """A condition that was begun."""

    number: int
    flag: str
    wanted: bool
    outer: list[Block]


@dataclass(slots=True)
class _Reader:
    """Reads line after line; what is open stands on a stack."""

    parts: list[list[Block]] = field(default_factory=lambda: [[]])
    faults: list[Fault] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)

    def read(self, number: int, line: str) -> None:
        """Read one line."""
        place = f"line {number}"
        if unicodedata.normalize("NFC", line) != line:
            self.faults.append(Fault(place, "is not in Unicode's form NFC"))
        line = line.strip()
        if not line:
            return
        if line == SEPARATOR:
            self._separate(place)
        elif directive := _DIRECTIVE.fullmatch(line):
            self._direct(number, directive["word"], directive["rest"])
        else:
            self._blocks.append(self._line(place, line))

    def end(self) -> None:
        """Close the text."""
        for left in self._open:
            self.faults.append(Fault(f"line {left.number}", f"{{if {left.flag}}} is not closed"))
        self.parts[-1] = self._blocks
        first = self.parts[0]
        if not first or not isinstance(first[0], Line) or first[0].mark != "# ":
            self.faults.append(Fault("line 1", "a document begins with its title, `# …`"))

    def _separate(self, place: str) -> None:
        if self._open or len(self.parts) > 1:
            self.faults.append(Fault(place, "the separator stands once, outside of conditions"))
            return
        self.parts[-1] = self._blocks
        self._blocks = []
        self.parts.append(self._blocks)

    def _direct(self, number: int, word: str, rest: str | None) -> None:
        place, argument = f"line {number}", (rest or "").strip()
        if word == "table":
            self._table(place, argument)
        elif word in ("if", "unless") and rest is not None:
            if not _NAME.fullmatch(argument):
                self.faults.append(Fault(place, f"{{{word}}} needs the name of a condition"))
            if len(self._open) >= _DEPTH_MAX:
                self.faults.append(Fault(place, f"conditions nest deeper than {_DEPTH_MAX}"))
            self._open.append(_Open(number, argument, word == "if", self._blocks))
            self._blocks = []
        elif word == "end" and rest is None:
            self._close(place)
        elif rest is None:
            self._blocks.append(Line("", (Variable(word),)))
        else:
            self.faults.append(Fault(place, f"{{{word} …}} is no directive"))

    def _close(self, place: str) -> None:
        if not self._open:
            self.faults.append(Fault(place, "{end} closes nothing"))
            return
        last = self._open.pop()
        last.outer.append(Condition(last.flag, last.wanted, tuple(self._blocks)))
        self._blocks = last.outer

    def _table(self, place: str, argument: str) -> None:
        name, colon, heads = argument.partition(":")
        if not colon or not _NAME.fullmatch(name.strip()):
            self.faults.append(Fault(place, "{table name: head | head} is how a table is named"))
            return
        columns = tuple(head.strip() for head in heads.split("|"))
        self._blocks.append(Table(name.strip(), columns))

    def _line(self, place: str, line: str) -> Line:
        if "|" in line:
            self.faults.append(Fault(place, "a bar separates cells and stands in tables only"))
        mark = next((mark for mark in _MARKS if line.startswith(mark)), "")
        return Line(mark, tuple(self._pieces(place, line[len(mark) :].strip())))

    def _pieces(self, place: str, line: str) -> Iterator[str | Variable]:
        position = 0
        for found in _PIECES.finditer(line):
            if found.start() > position:
                yield line[position : found.start()]
            position = found.end()
            name = found[1]
            if name is not None and _NAME.fullmatch(name):
                yield Variable(name)
            else:
                at = f"{place}, column {found.start() + 1}"
                self.faults.append(Fault(at, f"{found[0]} is no variable"))
        if position < len(line):
            yield line[position:]
