"""The shelf of templates: from which version a document is made on a day, and by which it was.

Invariant   New documents are made from published versions alone. Versions that were never
            published are known to be read again only: documents of before name them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from counterfoil.contracts.document import Kind
from counterfoil.contracts.template import (
    FILES,
    META_FILE,
    Problem,
    Template,
    document_of,
    files_of,
    read_template,
)
from counterfoil.kernel.shipped import shipped_once

#: Where a version stands that came as files or as a document and not from a directory.
_GIVEN: Final = "template"
#: So many documents are not read again: a process follows what is published.
_KEPT_COUNT: Final = 256


class TemplatesError(Exception):
    """Templates are refused; the message lists every fault, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the faults for whoever shows them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class UnknownTemplateError(LookupError):
    """No template answers to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A version as somebody wrote it, with its document."""

    template: Template
    document: bytes

    @property
    def sha256(self) -> str:
        """Return by what it is kept and approved."""
        return self.template.content_sha256


class Shelf:
    """Templates by code and version."""

    __slots__ = ("_published", "_templates")

    def __init__(self, published: Iterable[Template], earlier: Iterable[Template] = ()) -> None:
        """Take published versions, and those that are only to be read again."""
        self._published = {(one.code, one.version): one for one in published}
        self._templates = {(one.code, one.version): one for one in earlier} | self._published

    def template(self, code: str, version: int) -> Template:
        """Return a version; a document keeps the one that it was made from."""
        try:
            return self._templates[code, version]
        except KeyError:
            raise UnknownTemplateError(f"there is no template {code} {version}") from None

    def current(self, kind: Kind, *, product_code: str, lender_id: str, on: date) -> Template:
        """Return the version from which something new is made on a date."""
        holding = [
            one
            for one in self._published.values()
            if one.kind is kind
            and one.lender_id == lender_id
            and product_code in one.products
            and one.holds_on(on)
        ]
        if not holding:
            raise UnknownTemplateError(f"no {kind} holds for {product_code} on {on}")
        return max(holding, key=lambda one: (one.effective_from, one.version))

    def published(self) -> tuple[Template, ...]:
        """Return every published version, by code and version."""
        return tuple(self._published[key] for key in sorted(self._published))


def proposal_of(files: Mapping[str, bytes], *, folder: str = _GIVEN) -> Proposal:
    """Return the version that files make; raise TemplatesError with everything that is wrong."""
    unknown = sorted(set(files) - set(FILES))
    problems = [Problem(folder, name, "belongs to no template") for name in unknown]
    outcome = read_template(folder, files)
    if isinstance(outcome, list):
        problems += outcome
    elif not problems:
        return Proposal(template=outcome, document=document_of(files))
    raise TemplatesError(problems)


@lru_cache(maxsize=_KEPT_COUNT)
def proposal_of_document(document: bytes) -> Proposal:
    """Return the version of a document that is kept; raise TemplatesError where it is none."""
    return proposal_of(files_of(document))


@shipped_once
def load_proposals(directory: Path | None = None) -> tuple[Proposal, ...]:
    """Return the versions of a directory, or those that come with the program, by their names.

    The directory holds one version, or `CODE/VERSION/` for each. Raises TemplatesError with all
    faults of all files.
    """
    folder = _folder(directory)
    if (folder / META_FILE).is_file():
        return (proposal_of(_files(folder)),)
    proposals: dict[tuple[str, int], Proposal] = {}
    problems: list[Problem] = []
    for code in _directories(folder):
        for version in _directories(code):
            name = f"{code.name}/{version.name}"
            try:
                found = proposal_of(_files(version), folder=name)
            except TemplatesError as refused:
                problems += refused.problems
                continue
            one = found.template
            if name != one.ref:
                problems.append(Problem(name, "directory", f"holds {one.name}"))
            proposals[one.code, one.version] = found
    if not proposals and not problems:
        problems.append(Problem(str(folder), "directory", "holds no template"))
    if problems:
        raise TemplatesError(sorted(set(problems)))
    return tuple(proposals[key] for key in sorted(proposals))


def _folder(directory: Path | None) -> Traversable:
    if directory is not None and not directory.is_dir():
        raise TemplatesError([Problem(str(directory), "directory", "is not there")])
    if directory is not None:
        return directory
    return resources.files("counterfoil") / "contracts" / "templates"


def _files(folder: Traversable) -> dict[str, bytes]:
    """Return the files of a version; what an editor leaves beside them is not looked at."""
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}


def _directories(folder: Traversable) -> list[Traversable]:
    found = [one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("_")]
    return sorted(found, key=lambda one: one.name)
