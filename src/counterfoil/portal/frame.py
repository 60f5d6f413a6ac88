"""What surrounds every page of the portal: the tabs, language and theme, where to get help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.platform.web.i18n import Catalogue

BASE: Final = "/portal"

THEMES: Final = ("auto", "light", "dark")

#: Message → path below the portal, and the paths whose pages belong to it.
_TABS: Final = (
    ("home", "/", ("/draw", "/apply", "/applications")),
    ("loans", "/loans", ("/repay", "/repay-several", "/settle", "/purchases")),
    ("consents", "/consents", ()),
    ("record", "/record", ("/receipts",)),
    (
        "me",
        "/me",
        (
            *("/decisions", "/rights", "/profile", "/limits", "/contracts", "/sign-ins"),
            *("/settings", "/household", "/hosts", "/account", "/calls", "/starter"),
            *("/addresses", "/messages", "/statements", "/changes"),
        ),
    ),
)
#: What is left of it for who chose plain pages; the rest is reached from "me".
_PLAIN_TABS: Final = (
    _TABS[0],
    _TABS[1],
    ("calls", "/calls", ()),
    ("me", "/me", (*_TABS[4][2], "/consents", "/record", "/receipts")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One entry of the navigation."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The surroundings of one page."""

    language: str
    theme: str
    environment: str
    token: str
    #: Where the forms of the frame return to.
    here: str
    #: Empty where nobody is signed in, and in a session for one act.
    tabs: Sequence[Tab]
    is_signed_in: bool
    #: Where a customer who was sent here goes back to; empty where nobody sent one.
    return_to: str
    asset_versions: Mapping[str, str]
    #: Pages with one thing at a time; and whether somebody is here who may choose them.
    plain_pages: bool = False
    is_whole: bool = False
    #: The portal has no keys of its own.
    has_single_keys: bool = False

    def asset(self, name: str) -> str:
        """Return the address of one of the files that pages load."""
        return f"{BASE}/static/{name}?v={self.asset_versions[name]}"

    @property
    def other_language(self) -> str:
        """Return the language to change to."""
        return "en" if self.language == "zh-CN" else "zh-CN"


def tabs_of(path: str, catalogue: Catalogue, *, plain: bool = False) -> tuple[Tab, ...]:
    """Return the tabs with the present page's one marked."""
    return tuple(
        Tab(
            label=catalogue.text(f"nav.{name}"),
            href=BASE + below,
            is_current=_is_current(path, below, more),
        )
        for name, below, more in (_PLAIN_TABS if plain else _TABS)
    )


def _is_current(path: str, below: str, more: Sequence[str]) -> bool:
    if path in (BASE, f"{BASE}/"):
        return below == "/"
    roots = [root for root in (below, *more) if root != "/"]
    return any(path == BASE + root or path.startswith(f"{BASE}{root}/") for root in roots)
