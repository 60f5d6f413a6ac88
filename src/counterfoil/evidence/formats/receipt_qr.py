"""A receipt as a QR code: the whole file, so that whoever scans it holds the proof.

Follows     ISO/IEC 18004 by way of segno: byte mode, error correction L, at most 2,953 bytes.
"""

import segno
from segno.encoder import DataOverflowError

from counterfoil.evidence.formats.reasons import Reason, RejectedError


def qr_of(receipt: bytes) -> segno.QRCode:
    """Return the code; a receipt that is too long for one is rejected."""
    try:
        return segno.make_qr(receipt, error="L", mode="byte", boost_error=False)
    except DataOverflowError as failure:
        raise RejectedError(
            Reason.TOO_LARGE, f"{len(receipt)} bytes do not fit into a QR code"
        ) from failure
