"""The shelf of templates: every version of each, held to its word once it is effective.

Invariant   The shelf is loaded whole or refused whole, with every fault of every file. A version
            from which documents were made is locked by the hash of its content: changed, missing
            or sent back to a draft, it refuses the shelf.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from counterfoil.contracts.document import Kind
from counterfoil.contracts.template import Problem, Template, read_template

LOCK_FILE: Final = "effective.lock"


class TemplatesError(Exception):
    """Templates are refused; the message lists every fault, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the faults for whoever shows them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class UnknownTemplateError(LookupError):
    """No template answers to this."""


class Shelf:
    """Templates by code and version."""

    __slots__ = ("_templates",)

    def __init__(self, templates: Iterable[Template]) -> None:
        """Take templates whose code and version are unique."""
        self._templates = {(one.code, one.version): one for one in templates}

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
            for one in self._templates.values()
            if one.kind is kind
            and one.lender_id == lender_id
            and product_code in one.products
            and one.holds_on(on)
        ]
        if not holding:
            raise UnknownTemplateError(f"no {kind} holds for {product_code} on {on}")
        return max(holding, key=lambda one: (one.effective_from, one.version))

    def all(self) -> tuple[Template, ...]:
        """Return every version, by code and version."""
        return tuple(self._templates[key] for key in sorted(self._templates))


def load_shelf(directory: Path | None = None) -> Shelf:
    """Return the templates of a directory, or those that come with the program.

    Raises TemplatesError with all faults of all files.
    """
    folder = _folder(directory)
    templates, problems = _read(folder)
    locked, faults = _locked(folder)
    problems += faults + _unlocked(templates, locked) + _twice(templates)
    if problems:
        raise TemplatesError(sorted(set(problems)))
    return Shelf(templates.values())


def lock_effective(directory: Path) -> list[str]:
    """Add the effective versions that are not locked yet; return their names.

    A version that is locked already keeps its hash: a change of it stays a fault.
    """
    templates, problems = _read(directory)
    locked, faults = _locked(directory)
    if problems := problems + faults:
        raise TemplatesError(sorted(problems))
    added = {
        one.name: one.content_sha256
        for one in templates.values()
        if one.is_binding and one.name not in locked
    }
    lines = [f"{name} {digest}\n" for name, digest in sorted((locked | added).items())]
    (directory / LOCK_FILE).write_text("".join(lines), encoding="utf-8")
    return sorted(added)


def _folder(directory: Path | None) -> Traversable:
    if directory is not None and not directory.is_dir():
        raise TemplatesError([Problem(str(directory), "directory", "is not there")])
    if directory is not None:
        return directory
    return resources.files("counterfoil") / "contracts" / "templates"


def _read(folder: Traversable) -> tuple[dict[str, Template], list[Problem]]:
    """Return the versions of a folder by the directory they stand in, and all faults."""
    templates: dict[str, Template] = {}
    problems: list[Problem] = []
    for code in _directories(folder):
        for version in _directories(code):
            name = f"{code.name}/{version.name}"
            files = {file.name: file.read_bytes() for file in version.iterdir() if file.is_file()}
            outcome = read_template(name, files)
            if isinstance(outcome, list):
                problems += outcome
            elif name != f"{outcome.code}/{outcome.version}":
                problems.append(Problem(name, "directory", f"holds {outcome.name}"))
            else:
                templates[name] = outcome
    if not templates and not problems:
        problems.append(Problem(str(folder), "directory", "holds no template"))
    return templates, problems


def _directories(folder: Traversable) -> list[Traversable]:
    found = [one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("_")]
    return sorted(found, key=lambda one: one.name)


def _twice(templates: Mapping[str, Template]) -> list[Problem]:
    """Refuse two versions of one template that begin on one day."""
    seen: set[tuple[str, date]] = set()
    problems = []
    for name, one in templates.items():
        key = (one.code, one.effective_from)
        if one.is_binding and key in seen:
            problems.append(Problem(name, "meta.effective_from", "another version begins then"))
        seen.add(key)
    return problems


def _unlocked(templates: Mapping[str, Template], locked: Mapping[str, str]) -> list[Problem]:
    """Refuse binding versions that changed, that nobody locked, or that are gone."""
    by_name = {one.name: (folder, one) for folder, one in templates.items()}
    problems = []
    for name, (folder, one) in by_name.items():
        if one.is_binding and name not in locked:
            reason = f"{name} is {one.state} but not in {LOCK_FILE}"
            problems.append(Problem(folder, "meta.state", reason))
    for name, digest in locked.items():
        found = by_name.get(name)
        if found is None:
            reason = "is locked, but no directory that can be read holds it"
            problems.append(Problem(LOCK_FILE, name, reason))
            continue
        folder, one = found
        if not one.is_binding:
            reason = f"{name} was effective and cannot be {one.state} again"
            problems.append(Problem(folder, "meta.state", reason))
        elif one.content_sha256 != digest:
            reason = f"{name} is {one.state} and was changed; make a new version instead"
            problems.append(Problem(folder, "meta.version", reason))
    return problems


def _locked(folder: Traversable) -> tuple[dict[str, str], list[Problem]]:
    """Return the locked hashes by `code version`."""
    source = folder / LOCK_FILE
    locked: dict[str, str] = {}
    problems: list[Problem] = []
    if not source.is_file():
        return locked, problems
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        name, _, digest = line.rpartition(" ")
        if not name or len(digest) != sha256().digest_size * 2 or name in locked:
            reason = "is not `code version sha256`, or stands twice"
            problems.append(Problem(LOCK_FILE, f"line {number}", reason))
        locked[name] = digest
    return locked, problems
