"""Makes a page from a template and a view: the template environment of a site.

Invariant   Autoescape is always on and an undefined name is an error. Templates get the catalogue's
            `t` and `label`, the formats as `f`, the frame, the view, and nothing else.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from counterfoil.platform.web.format import Formats
from counterfoil.platform.web.i18n import Catalogue

_WEB: Final = "counterfoil.platform.web"

#: The files that pages load, with their media types.
ASSETS: Final[Mapping[str, str]] = {
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

#: A file's address changes with its content, so it may be kept for a year.
ASSET_CACHE: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that pages load."""

    content: bytes
    media_type: str
    #: Part of the address.
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Templates and files of one site."""

    environment: Environment
    assets: Mapping[str, Asset]

    def render(
        self, template: str, catalogue: Catalogue, formats: Formats, **values: object
    ) -> str:
        """Return a page as text."""
        return self.environment.get_template(template).render(
            t=catalogue.text, label=catalogue.label, f=formats, **values
        )


def make_site(package: str) -> Site:
    """Return the site whose templates lie in `package`, over the shared ones."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_WEB)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Site(environment=environment, assets={name: _asset(name) for name in ASSETS})


def _asset(name: str) -> Asset:
    content = resources.files(_WEB).joinpath("static", name).read_bytes()
    return Asset(
        content=content,
        media_type=ASSETS[name],
        version=hashlib.sha256(content).hexdigest()[:10],
    )
