"""Messages to customers: which texts there are, by which channels they go, and when they are tried.

Invariant   What is kept of a message is its kind and its figures. The name and the address come
            from the vault when it is sent, and are not written down again.
Channels    Those the customer takes, in their order; a legal notice goes on to the others that
            leave something to keep, whatever the customer takes. One that fails is followed by the
            next; when none is left the round begins again later, a bounded number of times.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from counterfoil.customers.setting import LEGAL_CHANNELS, Channel
from counterfoil.kernel.language import Language
from counterfoil.kernel.money import to_major_text

#: Rounds over all channels before a message counts as undeliverable.
ROUNDS_MAX: Final = 3
#: Between two rounds.
PAUSE: Final = timedelta(minutes=30)


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


@dataclass(frozen=True, slots=True)
class MessageText:
    """The text of a kind of message in one language."""

    subject: str
    body: str


class MessageTexts:
    """The catalogue of texts."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Take the catalogue; raise ValueError where a kind lacks a language."""
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
        """Return the text of a message for a person; amounts and dates as people write them."""
        text = self._texts[message.kind, language]
        values = {"name": name, **{key: str(v) for key, v in message.fields.items()}}
        if f"text_{language}" in message.fields:
            values["text"] = message.fields[f"text_{language}"]
        if "amount_minor" in message.fields:
            amount, currency = message.fields["amount_minor"], message.fields["currency"]
            values["amount"] = f"{to_major_text(amount, currency)} {currency}"
        return MessageText(text.subject.format(**values), text.body.format(**values))


def load_texts() -> MessageTexts:
    """Return the catalogue that is part of the product."""
    text = files("counterfoil.customers").joinpath("messages.toml").read_text("utf-8")
    return MessageTexts(tomllib.loads(text))


def channels_for(message: Message, taken: Sequence[Channel]) -> list[Channel]:
    """Return the channels of a message in the order in which they are tried."""
    if not message.is_legal:
        return list(taken)
    more = [one for one in Channel if one in LEGAL_CHANNELS and one not in taken]
    return [*taken, *more]


def _missing(kind: str, language: Language) -> bool:
    raise ValueError(f"message {kind!r} has no text in {language.value!r}")
