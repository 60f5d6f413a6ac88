"""What the page of a validation says in its two languages, and how it writes figures."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

LANGUAGES: Final = ("en", "zh-CN")
#: What stands for a figure that does not exist.
NOTHING: Final = "—"
_PPM: Final = 1_000_000
#: Members of a card in their order, and the keys under which recipes keep them.
_CARD: Final = {
    "purpose": ("purpose",),
    "population": ("population",),
    "exclusions": ("exclusions",),
    "limits_of_use": ("limits_of_use", "limits"),
    "owner": ("owner",),
    "review_date": ("review_date",),
    "impact_assessment": ("impact_assessment", "impact"),
}


class Words:
    """The texts and numbers of one language."""

    def __init__(self, language: str) -> None:
        """Take `en` or `zh-CN`."""
        self.language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its places filled."""
        text = _texts()[key][self._place]
        return text.format(**values) if values else text

    def card(self, card: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the members of a card with a name of their own: name and what is said."""
        found = []
        for name, keys in _CARD.items():
            given = next((card[key] for key in keys if card.get(key) is not None), None)
            found.append((self(name), self.of(given)))
        return found

    def of(self, given: Any) -> str:
        """Return a member of a card: a text, a text by language, a list of these, or nothing."""
        if isinstance(given, Mapping) and not given:
            return self("none")
        if isinstance(given, Mapping):
            chosen = given.get(self.language)
            if chosen is None:
                chosen = next(iter(given.values()), None)
            return self.of(chosen)
        if isinstance(given, list):
            return "; ".join(self.of(item) for item in given) or self("none")
        if isinstance(given, bool):
            return self("yes" if given else "no")
        return self("not_stated") if given is None or given == "" else str(given)


def percent(ppm: int | None, digits: int = 1) -> str:
    """Return a share in percent."""
    return NOTHING if ppm is None else f"{ppm / _PPM * 100:.{digits}f}%".replace("-", "−")


def decimal(ppm: int | None, digits: int = 3) -> str:
    """Return an index or a ratio as a decimal."""
    return NOTHING if ppm is None else f"{ppm / _PPM:.{digits}f}".replace("-", "−")


def whole(number: int | None) -> str:
    """Return a count with its thousands apart."""
    return NOTHING if number is None else f"{number:,}".replace("-", "−")


@cache
def _texts() -> Mapping[str, tuple[str, str]]:
    text = resources.files("counterfoil.models").joinpath("report_words.toml").read_text("utf-8")
    return {key: (pair[0], pair[1]) for key, pair in tomllib.loads(text).items()}
