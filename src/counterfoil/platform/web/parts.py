"""View models of the shared macros: what a template needs to draw one part of a page.

Invariant   Values are texts that were formatted before; a template computes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from counterfoil.platform.web.forms import FieldError
from counterfoil.platform.web.i18n import Catalogue

#: Marks beside a change: better, worse, the same are said by word and tone, not by the arrow.
RISE: Final = "▲"
FALL: Final = "▼"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A state: the word, and the tone of the mark beside it."""

    label: str
    #: good, warn, bad, live or empty.
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure of an overview."""

    #: Unique on the page; made into element ids.
    name: str
    label: str
    number: str
    unit: str
    definition: str
    exact: str = ""
    spark: Markup = field(default_factory=Markup)
    href: str = ""
    #: How the figure moved on the period before, with its sign; empty where there is none.
    change: str = ""
    change_basis: str = ""
    #: Whether the movement is good or bad is decided per figure.
    tone: str = ""
    arrow: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture with the table of its figures."""

    name: str
    title: str
    note: str
    picture: Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    #: What the page says instead of a picture without figures.
    empty: str
    #: Where the same figures can be taken away as a file; empty where they cannot.
    file_href: str = ""

    @property
    def has_figures(self) -> bool:
        """Return whether there is anything to draw."""
        return bool(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that an action makes different."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    at: str
    at_machine: str
    text: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form as it is shown: kept input, errors at their fields, token and key."""

    action: str
    token: str
    key: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    #: Field name → what is wrong with it, in the reader's language.
    errors: Mapping[str, str] = field(default_factory=dict)


def error_texts(errors: Sequence[FieldError], catalogue: Catalogue) -> dict[str, str]:
    """Return the first error of each field in the reader's language."""
    texts: dict[str, str] = {}
    for error in errors:
        texts.setdefault(error.field, catalogue.text(error.message, **error.values))
    return texts
