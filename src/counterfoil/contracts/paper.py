"""Rendering and sealing as everybody else sees them: quick to import, slow at first use.

The libraries behind them take a second to load; a process that renders nothing does without.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from counterfoil.contracts.port import Lender, LenderSeal
from counterfoil.contracts.refusals import SEAL_UNAVAILABLE
from counterfoil.contracts.seal_places import SealPlaces
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import RefusedError, refuse

_log = structlog.get_logger(__name__)

#: What is attached to a sealed file: the text as it was hashed, and the customer's act.
TEXT_FILE: Final = "document.txt"
EVIDENCE_FILE: Final = "signature.json"
#: Who the lender of record is, attached beside them.
LENDER_FILE: Final = "lender.json"


class DeferredSeals:
    """The lenders' seals, each opened when something is to be sealed with it."""

    def __init__(self, places: SealPlaces, wall: Clock) -> None:
        """Take where the seals lie, and the clock that dates certificates made here."""
        self._places = places
        self._wall = wall
        self._seals: dict[Lender, LenderSeal] = {}

    def of(self, lender: Lender) -> LenderSeal:
        """Return the seal of a lender."""
        return self._seals.setdefault(lender, _DeferredSeal(self._places, lender, self._wall))


class _DeferredSeal:
    """One lender's seal, opened when something is to be sealed."""

    def __init__(self, places: SealPlaces, lender: Lender, wall: Clock) -> None:
        self._places = places
        self._lender = lender
        self._wall = wall
        self._seal: LenderSeal | None = None

    def seal(self, pdf: bytes, attachments: Mapping[str, bytes], *, reason: str) -> bytes:
        """Return the file with its attachments and the lender's signature over all of it."""
        return self._opened().seal(pdf, attachments, reason=reason)

    def certificate(self) -> bytes:
        """Return the certificate of the seal, DER."""
        return self._opened().certificate()

    def _opened(self) -> LenderSeal:
        if self._seal is None:
            from counterfoil.contracts.pades import (  # noqa: PLC0415 - see the docstring
                ContainerRejectedError,
                seal_of,
            )

            try:
                self._seal = seal_of(self._places, self._lender, now=self._wall.now())
            except ContainerRejectedError as error:
                _log.warning("seal_rejected", lender=self._lender.lender_id, reason=str(error))
                refused = refuse(SEAL_UNAVAILABLE, lender_id=self._lender.lender_id)
                raise RefusedError(refused) from error
        return self._seal


def render(text: str, record: str = "", *, font: Path | None = None) -> bytes:
    """Return the PDF of a canonical text, with its signing record behind it where there is one."""
    from counterfoil.contracts import pdf  # noqa: PLC0415 - see the docstring

    return pdf.render(text, record, font=font)
