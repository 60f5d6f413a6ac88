"""The portal's desk: what every request is handed, made once when the program starts."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from counterfoil.journeys.serving.portal_trail import OwnLooks
from counterfoil.kernel.errors import Refused
from counterfoil.lending.terms import Terms
from counterfoil.platform.web.format import Formats
from counterfoil.platform.web.i18n import Catalogue, load_catalogues
from counterfoil.platform.web.pages import Site, make_site
from counterfoil.platform.web.throttle import Throttle

#: The lender's zone: instants are shown in it and business dates are of it.
LENDER_ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Tools of the portal."""

    house: Any
    random_bytes: Callable[[int], bytes]
    site: Site
    #: Slows down whoever tries numbers or codes from one address.
    throttle: Throttle
    #: Which pages were looked at in which sessions, so that each has one line of the trail.
    looks: OwnLooks
    catalogues: Mapping[str, Catalogue]
    #: Chinese words of every refusal, by its code.
    refusals: Mapping[str, Mapping[str, str]]

    def terms(self, code: str, version: int) -> Terms:
        """Return the terms that a line or a loan was signed under."""
        terms: Terms = self.house.catalogue.terms(code, version)
        return terms

    def formats(self, language: str) -> Formats:
        """Return the formats of a language."""
        return Formats(language=language, zone=LENDER_ZONE)

    def refusal_text(self, refused: Refused, catalogue: Catalogue) -> str:
        """Return what is wrong and what to do, in the reader's language."""
        key = f"refusal.{refused.code}"
        if catalogue.has(key):
            return catalogue.text(key)
        words = self.refusals.get(refused.code)
        if catalogue.language != "zh-CN" or words is None:
            return f"{refused.message} {refused.next_step}"
        known = {name: str(value) for name, value in refused.detail.items()}
        return "".join(words[part].format_map(_Gaps(known)) for part in ("message", "next_step"))


class _Gaps(dict[str, str]):
    """A detail that nobody gave is left out instead of breaking the page."""

    def __missing__(self, _key: str) -> str:
        return "…"


def make_desk(house: Any, *, random_bytes: Callable[[int], bytes]) -> Desk:
    """Return the desk of one portal."""
    folders = [
        resources.files("counterfoil.platform.web").joinpath("locale"),
        resources.files("counterfoil.portal").joinpath("locale"),
    ]
    # One text for a refusal, wherever it is read: the API's file is the one that tests keep whole.
    texts = resources.files("counterfoil.api").joinpath("locale", "zh-CN.toml")
    return Desk(
        house=house,
        random_bytes=random_bytes,
        site=make_site("counterfoil.portal"),
        throttle=Throttle(),
        looks=OwnLooks(),
        catalogues=load_catalogues(folders),
        refusals=tomllib.loads(texts.read_text(encoding="utf-8")),
    )
