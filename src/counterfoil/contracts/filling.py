"""A template with its values: the canonical text of a document, and the hash that names it.

Form        UTF-8 in NFC; one block a line, none blank; a newline after each. Marks as in the
            template; a table is a line of heads and a line a row, cells joined by ` | `.
Invariant   Equal templates and values give equal bytes on every machine. A value is text and
            nothing but text: it can neither begin a clause nor end a cell.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from counterfoil.contracts.document import Coded, Filling, Value, Words
from counterfoil.contracts.template import Template
from counterfoil.contracts.text import Block, Condition, Line, Table
from counterfoil.kernel.language import Language

CELL: Final = " | "
_JOINERS: Final = {Language.CHINESE: "、", Language.ENGLISH: ", "}


class FillingError(Exception):
    """A template cannot be filled with what it was given: a programmer's or an author's error."""


def document_text(template: Template, language: Language, filling: Filling) -> str:
    """Return the canonical text of a document."""
    return _text(template, language, template.texts[language].document, filling)


def record_text(template: Template, language: Language, filling: Filling) -> str:
    """Return the canonical text of what is printed behind a document."""
    return _text(template, language, template.texts[language].record, filling)


def text_hash(text: str) -> bytes:
    """Return the SHA-256 by which a text is confirmed, signed and committed to."""
    return sha256(text.encode()).digest()


def _text(template: Template, language: Language, blocks: Sequence[Block], filling: Filling) -> str:
    values = dict(filling.values)
    values["template_ref"] = f"{template.code}/{template.version}/{language}"
    writer = _Writer(
        template, language, Filling(values=values, flags=filling.flags, tables=filling.tables)
    )
    return "".join(f"{line}\n" for line in writer.lines(blocks))


class _Writer:
    """Writes the lines of one document."""

    def __init__(self, template: Template, language: Language, filling: Filling) -> None:
        self._template = template
        self._language = language
        self._filling = filling

    def lines(self, blocks: Sequence[Block]) -> Iterator[str]:
        """Yield the lines of blocks whose conditions hold."""
        for block in blocks:
            if isinstance(block, Line):
                parts = (p if isinstance(p, str) else self._value(p.name) for p in block.parts)
                yield block.mark + "".join(parts)
            elif isinstance(block, Table):
                yield from self._table(block)
            elif self._holds(block):
                yield from self.lines(block.blocks)

    def _holds(self, block: Condition) -> bool:
        try:
            return self._filling.flags[block.flag] is block.wanted
        except KeyError:
            raise FillingError(f"{self._template.name}: no word on {block.flag}") from None

    def _table(self, block: Table) -> Iterator[str]:
        try:
            rows = self._filling.tables[block.name]
        except KeyError:
            raise FillingError(f"{self._template.name}: no rows for {block.name}") from None
        yield CELL.join(block.heads)
        for row in rows:
            cells = [self._plain(block.name, cell) for cell in row]
            if len(cells) != len(block.heads) or any("|" in cell for cell in cells):
                raise FillingError(f"{self._template.name}: a row of {block.name} does not fit")
            yield CELL.join(cells)

    def _value(self, name: str) -> str:
        try:
            value = self._filling.values[name]
        except KeyError:
            raise FillingError(f"{self._template.name}: no value for {name}") from None
        return self._plain(name, value)

    def _plain(self, name: str, value: Value) -> str:
        if isinstance(value, Coded):
            words = self._template.words.get(value.family, {})
            try:
                found = [words[code].text(self._language) for code in value.codes]
            except KeyError as missing:
                reason = f"{self._template.name}: no word for {value.family} {missing}"
                raise FillingError(reason) from None
            value = _JOINERS[self._language].join(found)
        elif isinstance(value, Words):
            value = value.text(self._language)
        if not value or not value.isprintable():
            # A line break would begin a clause.
            raise FillingError(f"{self._template.name}: the value of {name} is not plain text")
        return value if value.isascii() else unicodedata.normalize("NFC", value)
