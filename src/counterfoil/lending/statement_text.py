"""A month's statement as a text for people: headings, lines and tables, in one language.

Invariant   Made from the statement's document alone: every figure on it stands in the document, and
            the same document gives the same text. What a transfer names follows from the line.
Form        A line that begins with `# ` or `## ` is a heading; a row of a table is its cells.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.language import Language
from counterfoil.kernel.money import to_major_text

#: A line of text, or the cells of a row.
Block = str | list[str]


def statement_text(
    statement: Mapping[str, Any], language: Language, *, currency: str, version_no: int
) -> list[Block]:
    """Return the text of a statement, block by block."""
    return list(_blocks(statement, _words()[language.value], currency, version_no))


def _blocks(
    statement: Mapping[str, Any], words: Mapping[str, Any], currency: str, version_no: int
) -> Iterator[Block]:
    yield "# " + words["title"].format(month=statement["month"])
    yield words["line"].format(line=statement["line_id"], version=version_no, currency=currency)
    if version_no > 1:
        yield words["corrected"]
    yield "## " + words["totals"]
    yield [words["item"], words["amount"]]
    for name, word in words["total"].items():
        yield [word, to_major_text(statement["totals"][name], currency)]
    for loan in statement["loans"]:
        yield from _loan(loan, words, currency)
    number = ids.from_text(ids.LINE, statement["line_id"])
    yield words["transfer"].format(reference=grouped(reference_of(ids.LINE, number)))
    yield words["end"]


def _loan(loan: Mapping[str, Any], words: Mapping[str, Any], currency: str) -> Iterator[Block]:
    def money(minor: int) -> str:
        return to_major_text(minor, currency)

    yield "## " + words["loan"].format(loan=loan["loan_id"])
    yield [words["item"], words["amount"]]
    for name, word in words["total"].items():
        yield [word, money(loan[name])]
    yield words["entries"]
    if loan["entries"]:
        yield [words["day"], words["kind"], words["amount"], words["principal"], words["interest"]]
    else:
        yield words["none"]
    for entry in loan["entries"]:
        yield [
            entry["value_date"],
            words["entry"].get(entry["kind"], entry["kind"]),
            money(entry["amount_minor"]),
            money(entry["principal_minor"]),
            money(entry["interest_minor"]),
        ]
    if not loan["instalments"]:
        return
    yield words["instalments"]
    heads = ("number", "day", "principal", "interest", "fees", "settled")
    yield [words[name] for name in heads]
    for due in loan["instalments"]:
        yield [
            str(due["instalment_no"]),
            due["due_date"],
            money(due["principal_minor"]),
            money(due["interest_minor"]),
            money(due["fee_minor"]),
            due["settled_on"] or words["open"],
        ]


@cache
def _words() -> dict[str, Any]:
    text = files("counterfoil.lending").joinpath("statement_words.toml").read_text("utf-8")
    return tomllib.loads(text)
