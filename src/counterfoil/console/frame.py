"""What surrounds every page: navigation, environment and business date, the developer drawer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.console.access import Permission
from counterfoil.platform.web.i18n import Catalogue

BASE: Final = "/console"

THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class NavLink:
    """One entry of the navigation."""

    label: str
    href: str
    is_current: bool
    #: Letter that goes here after `g`.
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    """Entries under one heading."""

    label: str
    links: Sequence[NavLink]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """What a developer wants to know about the page."""

    request_id: str
    #: Name of the journey or of the reading that the page ran.
    journey: str
    #: The same call for the API and for the command line; empty where there is none.
    api_call: str
    cli_call: str
    statements: int
    milliseconds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is said on top of every page, and where it leads."""

    text: str
    href: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The surroundings of one page."""

    language: str
    theme: str
    environment: str
    business_date: str
    operator: str
    role: str
    token: str
    #: Where the forms of the frame return to.
    here: str
    navigation: Sequence[NavGroup]
    asset_versions: Mapping[str, str]
    has_single_keys: bool
    drawer: Drawer | None
    #: Whether the reader is given what a page reads for.
    reads: Callable[[str], bool]
    alarm: Alarm | None = None

    def asset(self, name: str) -> str:
        """Return the address of one of the files that pages load."""
        return f"{BASE}/static/{name}?v={self.asset_versions[name]}"

    @property
    def other_language(self) -> str:
        """Return the language to change to."""
        return "en" if self.language == "zh-CN" else "zh-CN"


#: A customer's loan belongs to the loans, not to the customers: the noun nearest to the end counts.
_RECORD: Final = re.compile(
    r"/customers/[^/]+(?P<noun>/(?:applications|consents|lines|loans|payments)/)"
)

#: Group → (message, path below the console, letter, what the role must be allowed).
_NAVIGATION: Final = (
    (
        "operations",
        (
            ("overview", "/", "o", Permission.READ),
            ("applications", "/applications", "a", Permission.READ),
            ("funnel", "/funnel", "f", Permission.READ),
            ("reviews", "/reviews", "h", Permission.READ),
            ("calls", "/calls", "5", Permission.READ),
            ("customers", "/customers", "c", Permission.READ),
            ("contact_cases", "/contact-cases", "6", Permission.READ),
            ("lines", "/lines", "l", Permission.READ),
            ("loans", "/loans", "d", Permission.READ),
            ("quality", "/quality", "q", Permission.READ),
            ("data", "/data", "k", Permission.READ),
            ("models", "/models", "m", Permission.READ_MODELS),
            ("experiments", "/experiments", "x", Permission.READ),
            ("exposure", "/exposure", "u", Permission.READ),
            ("scenes", "/scenes", "2", Permission.READ),
            ("prices", "/prices", "4", Permission.READ),
            ("templates", "/contract-templates", "7", Permission.READ),
            ("agreement_notices", "/agreement-notices", "8", Permission.READ),
        ),
    ),
    (
        "money",
        (
            ("payments", "/payments", "p", Permission.READ),
            ("reconciliation", "/reconciliation", "r", Permission.READ),
            ("days", "/days", "e", Permission.READ),
            ("ledger", "/ledger", "b", Permission.READ_LEDGER),
        ),
    ),
    (
        "compliance",
        (
            ("consents", "/consents", "s", Permission.READ),
            ("evidence", "/evidence", "w", Permission.READ_EVIDENCE),
            ("appeals", "/appeals", "j", Permission.READ),
            ("line_cases", "/line-cases", "z", Permission.READ),
            ("identity_cases", "/identity-cases", "3", Permission.READ),
            ("person_rights", "/person-rights", "g", Permission.RIGHTS),
            ("policies", "/policies", "y", Permission.APPROVALS),
            ("approvals", "/approvals", "v", Permission.APPROVALS),
            ("trail", "/trail", "t", Permission.READ_TRAIL),
            ("exports", "/exports", "i", Permission.EXPORT),
            ("staff", "/staff", "n", Permission.MANAGE_STAFF),
            ("hosts", "/hosts", "1", Permission.HOSTS),
        ),
    ),
)


def navigation(
    opens: Callable[[Permission, str], bool], path: str, catalogue: Catalogue
) -> tuple[NavGroup, ...]:
    """Return the navigation by what somebody may open, with the present page's entry marked."""
    groups = []
    for group, entries in _NAVIGATION:
        links = [
            NavLink(
                label=catalogue.text(f"nav.{name}"),
                href=BASE + below,
                is_current=_is_current(below, path),
                letter=letter,
            )
            for name, below, letter, permission in entries
            if opens(permission, below)
        ]
        if links:
            groups.append(NavGroup(label=catalogue.text(f"nav.{group}"), links=links))
    return tuple(groups)


def _is_current(below: str, path: str) -> bool:
    if below == "/":
        return path in (BASE, BASE + "/")
    shown = _RECORD.sub(r"\g<noun>", path)
    return shown == BASE + below or shown.startswith(f"{BASE}{below}/")
