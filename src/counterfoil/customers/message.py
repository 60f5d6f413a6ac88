"""Messages to customers: which texts there are, by which channels they go, and when they are tried.

Invariant   What is kept of a message is its kind and its figures. The name and the address come
            from the vault when it is sent, and are not written down again.
Channels    Those the customer takes, in their order; a legal notice goes on to the others that
            leave something to keep, whatever the customer takes. One that fails is followed by the
            next; when none is left the round begins again later, a bounded number of times. One
            that refused for good, or from which the message came back, is not tried again.
Form        A message that has a form of its own, as a statement, goes by that channel alone.
Receipts    Sent is not delivered: who carries messages may be asked later, and what came back goes
            on to the next channel. What nobody can deliver stays as such, before staff.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from counterfoil.customers.setting import LEGAL_CHANNELS, Channel
from counterfoil.kernel.language import Language
from counterfoil.kernel.money import to_major_text

#: Rounds over all channels before a message counts as undeliverable.
ROUNDS_MAX: Final = 3
#: Between two rounds.
PAUSE: Final = timedelta(minutes=30)
#: After which times it is asked whether a message arrived; then it stays sent, and nobody knows.
ASK_AFTER: Final = (
    timedelta(minutes=1),
    timedelta(minutes=30),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it is kept."""

    customer_id: int
    message_id: int
    kind: str
    #: What it is about; the same cause is told once.
    cause: str
    #: A notice that the law asks for: channels that were given up do not keep it back.
    is_legal: bool
    #: Figures of the text: amounts in minor units with their currency, dates, identifiers.
    fields: Mapping[str, Any]
    created_at: datetime
    #: Rounds so far.
    attempts: int = 0
    #: `queued`, or `sent` where it is to be asked whether it arrived.
    status: str = "queued"
    #: How often it was asked.
    asks: int = 0

    @property
    def form(self) -> Channel | None:
        """Return the one channel by which it goes; None where the customer's are tried."""
        return Channel(self.fields["form"]) if "form" in self.fields else None


@dataclass(frozen=True, slots=True)
class MessageText:
    """The text of a kind of message in one language."""

    subject: str
    body: str


class MessageTexts:
    """The catalogue of texts."""

    def __init__(
        self, document: Mapping[str, Any], words: Mapping[str, Mapping[str, Mapping[str, str]]]
    ) -> None:
        """Take the catalogue, and words for codes by figure and language.

        Raises ValueError where a kind lacks a language.
        """
        self._words = words
        self._texts = {
            (kind, language): MessageText(**texts[language.value])
            for kind, texts in document.items()
            for language in Language
            if language.value in texts or _missing(kind, language)
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds that there are texts for."""
        return frozenset(kind for kind, _ in self._texts)

    def render(self, message: Message, language: Language, *, name: str) -> MessageText:
        """Return the text of a message for a person."""
        return self.render_fields(message.kind, message.fields, language, name=name)

    def render_fields(
        self, kind: str, fields: Mapping[str, Any], language: Language, *, name: str
    ) -> MessageText:
        """Return a text for a person from its figures; amounts and dates as people write them."""
        values = {"name": name, **{key: self._word(key, v, language) for key, v in fields.items()}}
        if f"text_{language}" in fields:
            values["text"] = fields[f"text_{language}"]
        for key, amount in fields.items():
            if key.endswith("_minor"):
                currency = fields["currency"]
                values[key.removesuffix("_minor")] = f"{to_major_text(amount, currency)} {currency}"
        # Older messages know no reference to transfer money with.
        known = self._words["transfer"][language.value]
        values["transfer"] = "".join(
            text.format(**values) for figure, text in known.items() if figure in fields
        )
        return self.render_kind(kind, language, values)

    def subject(self, kind: str, fields: Mapping[str, Any], language: Language) -> str:
        """Return what a message is about, as its reader sees it."""
        return self.render_fields(kind, fields, language, name="").subject

    def _word(self, key: str, value: object, language: Language) -> str:
        """Return what stands for a figure: the word for a code, or the figure as it is."""
        return self._words.get(key, {}).get(language.value, {}).get(str(value), str(value))

    def render_kind(self, kind: str, language: Language, values: Mapping[str, str]) -> MessageText:
        """Return a text with its places filled; raise KeyError where one is left empty."""
        text = self._texts[kind, language]
        return MessageText(text.subject.format(**values), text.body.format(**values))


@cache
def load_texts() -> MessageTexts:
    """Return the catalogue that is part of the product."""
    folder = files("counterfoil.customers")
    texts, words = (
        tomllib.loads(folder.joinpath(name).read_text("utf-8"))
        for name in ("messages.toml", "message_words.toml")
    )
    return MessageTexts(texts, words)


def channels_for(
    message: Message, taken: Sequence[Channel], closed: Collection[Channel] = ()
) -> list[Channel]:
    """Return the channels of a message in the order in which they are tried.

    `closed` are those over which nothing arrives: they refused it, or it came back.
    """
    if message.form is not None:
        wanted = [message.form]
    elif message.is_legal:
        more = [one for one in Channel if one in LEGAL_CHANNELS and one not in taken]
        wanted = [*taken, *more]
    else:
        wanted = list(taken)
    return [one for one in wanted if one not in closed]


def _missing(kind: str, language: Language) -> bool:
    raise ValueError(f"message {kind!r} has no text in {language.value!r}")
