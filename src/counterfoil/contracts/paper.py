"""Rendering and sealing as everybody else sees them: quick to import, slow at first use.

The libraries behind them take a second to load; a process that renders nothing does without.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from counterfoil.contracts.port import LenderSeal
from counterfoil.kernel.clock import Clock

#: What is attached to a sealed file: the text as it was hashed, and the customer's act.
TEXT_FILE: Final = "document.txt"
EVIDENCE_FILE: Final = "signature.json"
#: Where the certificate of the seal lies for whoever verifies, among the keys.
CERTIFICATE: Final = "contract-seal.pem"


class DeferredSeal:
    """The lender's seal, opened when something is to be sealed."""

    def __init__(
        self, keys: Path, *, container: Path | None, password: str | None, wall: Clock
    ) -> None:
        """Take where the seal lies; without a container one is made in the keys' directory."""
        self._keys = keys
        self._container = container
        self._password = password
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
            from counterfoil.contracts.pades import seal_of  # noqa: PLC0415 - see the docstring

            self._seal = seal_of(
                self._keys,
                container=self._container,
                password=self._password,
                now=self._wall.now(),
            )
        return self._seal


def render(text: str, record: str = "", *, font: Path | None = None) -> bytes:
    """Return the PDF of a canonical text, with its signing record behind it where there is one."""
    from counterfoil.contracts import pdf  # noqa: PLC0415 - see the docstring

    return pdf.render(text, record, font=font)
