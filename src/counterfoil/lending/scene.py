"""Scenes: what a product adds for one kind of purchase, and when its loans stop.

Which      A product names its scenes. A drawdown belongs to the scene that has its purpose; where
           the product also lends cash, every other purpose is cash and has no rules here.
Versions   The version that began last holds for new purchases and drawdowns; a purchase keeps the
           one under which it was recorded, with its cooling-off and its refunds.
Invariant  A scene narrows what the product lends. Its limit is part of the line, never beside it.
Units      Minor units; shares in parts per million of the principal owed.
Unknown    A book with too few loans says nothing: it neither stops nor lifts a stop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.commands import Draw
from counterfoil.lending.refusals import (
    SCENE_LIMIT_REACHED,
    SCENE_PURPOSE_UNKNOWN,
    TENOR_NOT_OFFERED,
)
from counterfoil.lending.terms import Terms

#: The scene without rules of its own.
CASH: Final = "cash"
_ONE_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene."""

    code: str
    #: Of the file that it stands in.
    version: str
    #: In which its limit counts.
    currency: str
    name_zh: str
    name_en: str
    purposes: tuple[str, ...]
    #: The most that one customer owes in the scene.
    limit_minor: int
    tenors_months: tuple[int, ...]
    #: A loan counts as late from so many days past its due date.
    late_days: int
    #: Above this share of late principal no new loans are made.
    late_ppm_max: int
    #: Open loans below which a share says nothing.
    loans_min: int
    #: Kinds of papers that a purchase shows, by digest; at least one.
    documents: tuple[str, ...]
    #: Share of a price that may be paid ahead of what was given; all of it where nothing waits.
    ahead_ppm: int
    #: Whether the merchant needs a licence that has not run out.
    needs_licence: bool
    #: Days after the loan began within which the customer may go back on the purchase.
    cooling_off_days: int
    protects_students: bool
    #: Of what was paid and not given a merchant owes this share back after a later cancellation.
    cancelled_refund_ppm: int
    #: Days within which a merchant pays what it owes back.
    refund_days: int

    @property
    def is_staged(self) -> bool:
        """Return whether a merchant is paid as progress is reported."""
        return self.ahead_ppm < _ONE_PPM


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneBook:
    """What is owed in a scene, or of it at one merchant, and how much of it is late."""

    scene: str
    #: None for the scene as a whole.
    merchant_id: int | None
    loans_count: int
    owed_minor: int
    late_minor: int

    @property
    def late_ppm(self) -> int:
        """Return the late share, rounded down; 0 where nothing is owed."""
        return self.late_minor * _ONE_PPM // self.owed_minor if self.owed_minor else 0


def scene_of(scenes: Mapping[str, Scene], terms: Terms, purpose: str) -> Scene | Refused | None:
    """Return the scene of a drawdown; None for cash, refused where the product has none for it."""
    for code in terms.scenes:
        scene = scenes.get(code)
        if scene is not None and purpose in scene.purposes:
            return scene
    if CASH in terms.scenes:
        return None
    offered = [p for code in terms.scenes if code in scenes for p in scenes[code].purposes]
    return refuse(SCENE_PURPOSE_UNKNOWN, purpose=purpose, offered=", ".join(offered))


def refuse_drawdown(scene: Scene, command: Draw, *, owed_minor: int = 0) -> Refused | None:
    """Refuse what the scene does not lend; `owed_minor` is what is owed or on its way in it."""
    if command.tenor_months not in scene.tenors_months:
        return refuse(
            TENOR_NOT_OFFERED,
            tenor_months=command.tenor_months,
            offered=", ".join(map(str, scene.tenors_months)),
        )
    left = max(0, scene.limit_minor - owed_minor)
    if command.amount_minor > left:
        return refuse(
            SCENE_LIMIT_REACHED, scene=scene.code, left_minor=left, currency=command.currency
        )
    return None


def beyond_tolerance(scene: Scene, books: Sequence[SceneBook]) -> list[SceneBook]:
    """Return the books, of the scene or of a merchant, with more late than is tolerated."""
    return [
        book
        for book in books
        if book.scene == scene.code
        and book.loans_count >= scene.loans_min
        and book.late_minor * _ONE_PPM > scene.late_ppm_max * book.owed_minor
    ]
