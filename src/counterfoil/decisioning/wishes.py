"""What a customer may choose about decisions by machine, as it enters a question to the policy.

Person      A person decides, within a stated time.
Standard    The standard offer: what the policy gives somebody of whom nothing personal is known.
Inputs      A choice is part of the question and recorded with it, so that a replay honours it as
            well; `honouring.py` says what a decision makes of it.
Follows     Personal Information Protection Law, Art. 24.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Choice(StrEnum):
    """What may be chosen."""

    PERSON_DECIDES = "person_decides"
    STANDARD_OFFER = "standard_offer"
    #: No invitations to apply; no question of a decision, and so no input of one.
    NO_INVITATIONS = "no_invitations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """An offer that does not depend on the person."""

    limit_minor: int
    rate_daily_e8: int
    tenors_months: tuple[int, ...]
    #: The price of each tenor; empty where all cost the same.
    rates_daily_e8: tuple[int, ...] = ()

    def document(self) -> dict[str, object]:
        """Return the form that is stored; prices by tenor are named where there are any."""
        document: dict[str, object] = {
            "limit_minor": self.limit_minor,
            "rate_daily_e8": self.rate_daily_e8,
            "tenors_months": list(self.tenors_months),
        }
        rates = list(self.rates_daily_e8)
        return document | {"rates_daily_e8": rates} if rates else document


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The choices that hold for one question."""

    #: For how many days a case stays with a person; None where none has to decide.
    person_days: int | None = None
    #: The standard offer; None where it was not chosen, or the policy has none.
    standard: Standard | None = None

    @property
    def is_any(self) -> bool:
        """Tell whether anything was chosen."""
        return self.person_days is not None or self.standard is not None

    def document(self) -> dict[str, object]:
        """Return the form that is stored."""
        document: dict[str, object] = {}
        if self.person_days is not None:
            document["person_days"] = self.person_days
        if self.standard is not None:
            document["standard"] = self.standard.document()
        return document


NO_WISHES = Wishes()


def wishes_of(document: Mapping[str, Any] | None) -> Wishes:
    """Return wishes as they were stored; none where nothing was."""
    if not document:
        return NO_WISHES
    standard = document.get("standard")
    return Wishes(
        person_days=document.get("person_days"),
        standard=standard and _standard_of(standard),
    )


def _standard_of(document: Mapping[str, Any]) -> Standard:
    return Standard(
        limit_minor=document["limit_minor"],
        rate_daily_e8=document["rate_daily_e8"],
        tenors_months=tuple(document["tenors_months"]),
        rates_daily_e8=tuple(document.get("rates_daily_e8", ())),
    )
