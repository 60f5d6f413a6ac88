"""The console's desk: what every request is handed, made once when the program starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

from counterfoil.kernel.clock import Clock
from counterfoil.ledger.chart import CHART
from counterfoil.lending.terms import Terms
from counterfoil.platform.web.format import Formats
from counterfoil.platform.web.i18n import Catalogue, load_catalogues
from counterfoil.platform.web.pages import Site, make_site
from counterfoil.platform.web.throttle import Throttle

#: The lender's zone: instants are shown in it and business dates are of it.
LENDER_ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Tools of the console."""

    house: Any
    #: The machine's clock: sign-ins end by it, also where the house runs on a sandbox's clock.
    wall: Clock
    session_key: bytes
    random_bytes: Callable[[int], bytes]
    site: Site
    throttle: Throttle
    catalogues: Mapping[str, Catalogue]
    #: Operator, permission and day of uses that this process has written down already.
    rights_noted: set[tuple[str, str, date]] = field(default_factory=set)

    @property
    def product_names(self) -> Mapping[str, tuple[str, str]]:
        """Return the Chinese and the English name of each product by its code."""
        return {t.code: (t.name_zh, t.name_en) for t in self.house.catalogue.all()}

    @property
    def account_names(self) -> Mapping[int, tuple[str, str]]:
        """Return the Chinese and the English name of each ledger account by its number."""
        return {code: (account.name_zh, account.name_en) for code, account in CHART.items()}

    def terms(self, code: str, version: int) -> Terms:
        """Return the terms that a line or a loan was signed under."""
        terms: Terms = self.house.catalogue.terms(code, version)
        return terms

    def formats(self, language: str) -> Formats:
        """Return the formats of a language."""
        return Formats(language=language, zone=LENDER_ZONE)


def make_desk(
    house: Any, *, wall: Clock, session_key: bytes, random_bytes: Callable[[int], bytes]
) -> Desk:
    """Return the desk of one console."""
    folders = [
        resources.files("counterfoil.platform.web").joinpath("locale"),
        resources.files("counterfoil.console").joinpath("locale"),
    ]
    return Desk(
        house=house,
        wall=wall,
        session_key=session_key,
        random_bytes=random_bytes,
        site=make_site("counterfoil.console"),
        throttle=Throttle(),
        catalogues=load_catalogues(folders),
    )


def environment_label(name: str, catalogue: Catalogue) -> str:
    """Return the word for an installation; its own name where there is no word for it."""
    key = f"environment.{name}"
    return catalogue.text(key) if catalogue.has(key) else name
