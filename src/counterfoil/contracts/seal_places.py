"""Where the seals of an installation and their certificates lie."""

from pathlib import Path
from typing import Final, NamedTuple

#: Where the certificate of a container that seals for every lender lies, among the keys.
CERTIFICATE: Final = "contract-seal.pem"
#: Where those of the lenders' own seals lie, each named by its lender and by its hash.
CERTIFICATES: Final = "contract-seals"


class SealPlaces(NamedTuple):
    """Where the seals of an installation lie, and who opens them."""

    #: Secrets of the installation; certificates are left here for whoever verifies.
    keys: Path
    #: One container for every lender that has none of its own; None where there is none.
    container: Path | None = None
    #: Directory of containers by lender: `LENDER.p12`; None where they are made.
    folder: Path | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Show nothing: the password belongs into no log."""
        return "SealPlaces(…)"
