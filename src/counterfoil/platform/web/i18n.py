"""Message catalogues: one TOML file per language, one dotted key per message.

Invariant   A page never shows a key: an unknown key raises, and a test compares the keys that
            code and templates use with the keys of each language.
Plural      A message with the forms `one` and `other` is chosen by its value `count`.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

LANGUAGES: Final = ("zh-CN", "en")

#: Used where neither a cookie nor the browser asks for a language that is there.
DEFAULT_LANGUAGE: Final = "zh-CN"

_ENGLISH_PLURAL_LANGUAGES: Final = frozenset({"en"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The messages of one language."""

    language: str
    messages: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """Return a message with its values filled in; raise KeyError for an unknown key."""
        message = self.messages.get(key)
        if message is None:
            message = self.messages[f"{key}.{self._plural_form(key, values)}"]
        return message.format(**values) if values else message

    def label(self, family: str, code: str) -> str:
        """Return the label of a code, for instance of the status `open` in `loan_status`."""
        return self.messages[f"{family}.{code}"]

    def has(self, key: str) -> bool:
        """Return whether there is a message with this key."""
        return key in self.messages

    def _plural_form(self, key: str, values: Mapping[str, object]) -> str:
        if "count" not in values:
            raise KeyError(key)
        one = self.language in _ENGLISH_PLURAL_LANGUAGES and values["count"] in (1, "1")
        return "one" if one else "other"


def load_catalogues(folders: Iterable[Traversable]) -> dict[str, Catalogue]:
    """Return one catalogue per language, made of the files of all folders."""
    folders = tuple(folders)
    return {language: _load(language, folders) for language in LANGUAGES}


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return the messages of nested tables under dotted keys."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        elif isinstance(value, str):
            flat[prefix + key] = value
        else:
            raise TypeError(f"message {prefix}{key} is not a text")
    return flat


def preferred_language(accept_language: str) -> str:
    """Return the first language of an Accept-Language header that there is a catalogue for."""
    wanted: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept_language.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        language = _by_tag(tag)
        if language:
            wanted.append((-_quality(parameter), position, language))
    return min(wanted)[2] if wanted else DEFAULT_LANGUAGE


def _load(language: str, folders: Iterable[Traversable]) -> Catalogue:
    messages: dict[str, str] = {}
    for folder in folders:
        text = folder.joinpath(f"{language}.toml").read_text(encoding="utf-8")
        for key, message in flatten(tomllib.loads(text)).items():
            if key in messages:
                raise ValueError(f"message {key} of {language} is there twice")
            messages[key] = message
    return Catalogue(language=language, messages=messages)


def _by_tag(tag: str) -> str | None:
    primary = tag.strip().lower().partition("-")[0]
    return {"zh": "zh-CN", "en": "en"}.get(primary)


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
