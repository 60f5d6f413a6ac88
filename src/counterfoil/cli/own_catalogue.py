"""The installation's product catalogue: its own directory, or what comes with the program."""

from typing import TYPE_CHECKING

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.lending.catalogue import Catalogue


def own_catalogue() -> "Catalogue":
    """Return the catalogue that the settings name; end with its faults where it is refused."""
    from counterfoil.lending.catalogue import CatalogueError, load_catalogue
    from counterfoil.platform.settings import Settings

    try:
        return load_catalogue(Settings().products)
    except CatalogueError as refused:
        raise output.fail(str(refused)) from refused
