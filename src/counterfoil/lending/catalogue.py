"""The product catalogue: every version of every product, read from files and held to its word.

Invariant   The catalogue is loaded whole or refused whole, with every fault of every file. A
            version under which loans were made is locked by the hash of its content: changed,
            missing or sent back to a draft, it refuses the catalogue. Price and limit lie under
            what the product's rule pack allows its lender's licence on the day the version takes
            effect; a cap on the cost that is not known refuses, and so does a missing pack.
Follows     `counterfoil.rules`, whose entries name where each comes from.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from counterfoil.kernel.shipped import shipped_once
from counterfoil.kernel.toml import parse_toml
from counterfoil.lending.price_caps import highest_rate_daily_e8
from counterfoil.lending.product_file import (
    BINDING_STATES,
    Problem,
    Product,
    State,
    read_product,
)
from counterfoil.lending.scene import CASH, Scene
from counterfoil.lending.scene_shelf import Scenes, ScenesError, load_scenes, lock_scenes
from counterfoil.lending.terms import FeeTiming, Terms
from counterfoil.rules.pack import PackError, Rule, RulePack, pack_in_force, rule
from counterfoil.rules.shelf import load_packs

LOCK_FILE = "effective.lock"
PACKS_FOLDER = "rules"
SCENES_FOLDER = "scenes"

#: What of a version may still change after it took effect: that it ends.
_MAY_CHANGE = ("state", "retired_on")


class CatalogueError(Exception):
    """Product files are refused; the message lists every fault, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the faults for whoever shows them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class UnknownProductError(LookupError):
    """No product version answers to this."""


class Catalogue:
    """Product versions by code and version, with the rule packs and scenes that they name."""

    __slots__ = ("_by_code", "_packs", "_products", "scenes")

    def __init__(
        self,
        products: Iterable[Product],
        packs: Mapping[str, RulePack] | None = None,
        scenes: Scenes | None = None,
    ) -> None:
        """Take products, unique by code and version; packs and scenes by default the program's."""
        self._packs = load_packs() if packs is None else packs
        self.scenes = load_scenes() if scenes is None else scenes
        ordered = sorted(products, key=lambda p: (p.terms.code, p.terms.version))
        self._products = {(p.terms.code, p.terms.version): p for p in ordered}
        assert len(self._products) == len(ordered)
        self._by_code: dict[str, list[Product]] = {}
        for product in ordered:
            self._by_code.setdefault(product.terms.code, []).append(product)

    def product(self, code: str, version: int) -> Product:
        """Return a version with its state and signatures."""
        try:
            return self._products[code, version]
        except KeyError:
            raise UnknownProductError(f"there is no product {code} version {version}") from None

    def terms(self, code: str, version: int) -> Terms:
        """Return the terms of a version; a loan keeps the version it was signed under."""
        return self.product(code, version).terms

    def current(self, code: str, on: date) -> Terms:
        """Return the terms under which something new may be opened on a date."""
        versions = [p for p in self._by_code.get(code, ()) if p.holds_on(on)]
        if not versions:
            raise UnknownProductError(f"no version of the product {code} holds on {on}")
        return max(versions, key=lambda p: p.effective_from).terms

    def rule(self, terms: Terms, name: str, on: date) -> Rule | None:
        """Return what the product's pack says to a question on a date; None: it is not known."""
        return ask_pack(self._packs, terms, name, on)

    def pack(self, terms: Terms, on: date) -> RulePack | None:
        """Return the pack that stands for the product's on a date; None where there is none."""
        return pack_in_force(self._packs, terms.rule_pack, on)

    def packs_on(self, on: date) -> list[RulePack]:
        """Return the packs that products follow on a date, by their ids."""
        found = (self.pack(product.terms, on) for product in self.products())
        packs = {pack.pack_id: pack for pack in found if pack is not None}
        return [packs[pack_id] for pack_id in sorted(packs)]

    def pack_references(self) -> frozenset[str]:
        """Return every pack that is there, by its id with the beginning of its hash."""
        return frozenset(pack.reference for pack in self._packs.values())

    def limit_cap_minor(self, terms: Terms, on: date) -> int | None:
        """Return the highest limit that the pack allows on a date; None where none is known."""
        cap = self.rule(terms, "limit_most", on)
        return None if cap is None else cap.value

    def rate_cap_daily_e8(self, terms: Terms, on: date) -> int | None:
        """Return the highest daily price the pack leaves room for; None where it is not known."""
        cap = self.rule(terms, "cost_annual_most", on)
        return None if cap is None else highest_rate_daily_e8(cap.value)

    def all(self) -> tuple[Terms, ...]:
        """Return the terms of every version, by code and version."""
        return tuple(p.terms for p in self._products.values())

    def products(self) -> tuple[Product, ...]:
        """Return every version, by code and version."""
        return tuple(self._products.values())


@shipped_once
def load_catalogue(directory: Path | None = None) -> Catalogue:
    """Return the catalogue of a directory, or of the product files that come with the program.

    Raises CatalogueError with all faults of all files.
    """
    folder = _folder(directory)
    documents, problems = _documents(folder)
    products, more = _products(documents)
    locked, faults = _locked(folder)
    problems += more + faults
    packs, scenes = _packs(directory, problems), _scenes(directory, problems)
    problems += _against_packs(products, packs)
    problems += _against_scenes(products, scenes)
    problems += _twice(products) + _unlocked(products, documents, locked)
    if problems:
        raise CatalogueError(sorted(set(problems)))
    return Catalogue(products, packs, scenes)


def to_publish(
    directory: Path | None, code: str, version: int | None
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Return the file of a version, by default the last one, and of the one published before it.

    The second is None where nothing of the product was published before.
    """
    load_catalogue(directory)
    documents, _ = _documents(_folder(directory))
    metas = {
        document["meta"]["version"]: document
        for document in documents.values()
        if document["meta"]["code"] == code
    }
    wanted = max(metas, default=0) if version is None else version
    if wanted not in metas:
        raise UnknownProductError(f"there is no product {code} version {wanted or 'at all'}")
    published = [
        number
        for number, document in metas.items()
        if number < wanted and document["meta"]["state"] in BINDING_STATES
    ]
    return metas[wanted], metas[max(published)] if published else None


def lock_effective(directory: Path) -> list[str]:
    """Add the effective versions that are not locked yet; return their names.

    A version that is locked already keeps its hash: a change of it stays a fault.
    """
    documents, problems = _documents(directory)
    products, more = _products(documents)
    locked, faults = _locked(directory)
    if problems := problems + more + faults:
        raise CatalogueError(sorted(problems))
    added = {
        name: content_hash(documents[p.file])
        for p in products
        if p.is_binding and (name := _name(p)) not in locked
    }
    lines = [f"{name} {digest}\n" for name, digest in sorted((locked | added).items())]
    (directory / LOCK_FILE).write_text("".join(lines), encoding="utf-8")
    folder = directory / SCENES_FOLDER
    try:
        scenes = lock_scenes(folder) if folder.is_dir() else []
    except ScenesError as refused:
        raise CatalogueError(_in_folder(refused)) from refused
    return sorted(added) + scenes


def content_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a version promises: all keys but those that say it ends."""
    meta = {key: value for key, value in document["meta"].items() if key not in _MAY_CHANGE}
    canonical = orjson.dumps({**document, "meta": meta}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


# ----------------------------------------------------------------------------------- reading


def _folder(directory: Path | None) -> Traversable:
    """Return where the files are; raise CatalogueError where a directory is none."""
    if directory is not None and not directory.is_dir():
        raise CatalogueError([Problem(str(directory), "directory", "is not there")])
    return directory if directory is not None else resources.files("counterfoil") / "products"


def _documents(folder: Traversable) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return the parsed product files of a folder by name."""
    documents: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            try:
                documents[entry.name] = parse_toml(entry.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                problems.append(Problem(entry.name, "file", f"is not TOML: {error}"))
    if not documents and not problems:
        problems.append(Problem(str(folder), "file", "holds no product file"))
    return documents, problems


def _products(
    documents: Mapping[str, Mapping[str, Any]],
) -> tuple[list[Product], list[Problem]]:
    products: list[Product] = []
    problems: list[Problem] = []
    for file, document in documents.items():
        outcome = read_product(file, document)
        if isinstance(outcome, Product):
            products.append(outcome)
        else:
            problems += outcome
    return products, problems


def _packs(directory: Path | None, problems: list[Problem]) -> Mapping[str, RulePack]:
    """Return the packs of the program and those of the directory's own folder."""
    try:
        return load_packs(None if directory is None else directory / PACKS_FOLDER)
    except PackError as error:
        problems += [Problem(PACKS_FOLDER, "pack", line) for line in str(error).splitlines()]
        return load_packs()


def _scenes(directory: Path | None, problems: list[Problem]) -> Scenes:
    """Return the scenes of the program and those of the directory's own folder."""
    try:
        return load_scenes(None if directory is None else directory / SCENES_FOLDER)
    except ScenesError as refused:
        problems += _in_folder(refused)
        return load_scenes()


def _in_folder(refused: ScenesError) -> list[Problem]:
    return [Problem(f"{SCENES_FOLDER}/{one.file}", one.key, one.reason) for one in refused.problems]


# ---------------------------------------------------------------------------------- checking


def _against_packs(products: Iterable[Product], packs: Mapping[str, RulePack]) -> Iterable[Problem]:
    """Refuse what a pack does not allow on the day of effect, or is not there to allow."""
    for product in products:
        terms, on = product.terms, product.effective_from
        pack = pack_in_force(packs, terms.rule_pack, on)
        if pack is None:
            reason = f"names {terms.rule_pack}; there are {', '.join(sorted(packs))}"
            yield Problem(product.file, "rules.pack", reason)
            continue
        if pack.currency != terms.currency:
            yield Problem(product.file, "rules.pack", f"counts in {pack.currency}")
            continue
        cost = ask_pack(packs, terms, "cost_annual_most", on)
        if cost is None:
            reason = f"no cap is known for a {terms.licence} on {on} in {pack.reference}"
            yield Problem(product.file, "cost.annual_most", reason)
        elif terms.cost_annual_e8_cap > cost.value:
            yield Problem(product.file, "cost.annual_most", f"is above the cap of {cost.cited}")
        limit = ask_pack(packs, terms, "limit_most", on)
        if limit is not None and terms.limit_minor_max > limit.value:
            yield Problem(product.file, "line.limit_most", f"is above the cap of {limit.cited}")
        yield from _late_fees(product, packs)


def _against_scenes(products: Iterable[Product], scenes: Scenes) -> Iterable[Problem]:
    """Refuse a scene that nobody wrote, and one of which the product could lend nothing."""
    for product in products:
        for code in product.terms.scenes:
            scene = scenes.last(code)
            if code != CASH and scene is None:
                known = {CASH} | {code for one in scenes.versions() for code in one.scenes}
                reason = f"{code!r} is not known; there are: {', '.join(sorted(known))}"
                yield Problem(product.file, "meta.scenes", reason)
            elif scene is not None and (fault := _unfit(product.terms, scene)):
                yield Problem(product.file, "meta.scenes", f"names {code}, {fault}")


def _unfit(terms: Terms, scene: Scene) -> str | None:
    if scene.currency != terms.currency:
        return f"which counts in {scene.currency}"
    if not set(scene.tenors_months) & set(terms.tenors_months):
        return "which lends none of its tenors"
    banned = sorted(set(scene.purposes) & set(terms.purposes_banned))
    return f"whose purposes it bans: {', '.join(banned)}" if banned else None


def _late_fees(product: Product, packs: Mapping[str, RulePack]) -> Iterable[Problem]:
    """Refuse more fixed fees for lateness than the pack allows; where it is silent, any."""
    terms, on = product.terms, product.effective_from
    late = sum(fee.timing is FeeTiming.LATE for fee in terms.fees)
    most = ask_pack(packs, terms, "late_fees_most", on)
    if late and most is None:
        reason = f"has a fee for lateness, which no rule allows a {terms.licence} on {on}"
        yield Problem(product.file, "cost.fees", reason)
    elif most is not None and late > most.value:
        yield Problem(product.file, "cost.fees", f"has more fees for lateness than {most.cited}")


def ask_pack(packs: Mapping[str, RulePack], terms: Terms, name: str, on: date) -> Rule | None:
    """Return what a product's pack says to a question on a date; None: it is not known."""
    pack = pack_in_force(packs, terms.rule_pack, on)
    return None if pack is None else rule(pack, name, on=on, licence=terms.licence)


def _twice(products: Sequence[Product]) -> list[Problem]:
    """Refuse a version that stands in two files, and two that begin on one day."""
    counts = Counter(_name(p) for p in products)
    problems = [
        Problem(p.file, "meta.version", f"{_name(p)} stands in more than one file")
        for p in products
        if counts[_name(p)] > 1
    ]
    binding = [p for p in products if p.is_binding]
    ordered = sorted(binding, key=lambda p: (p.terms.code, p.terms.version))
    for earlier, later in pairwise(ordered):
        same = earlier.terms.code == later.terms.code
        if same and earlier.effective_from >= later.effective_from:
            reason = f"has to come after that of version {earlier.terms.version}"
            problems.append(Problem(later.file, "meta.effective_from", reason))
    return problems


def _unlocked(
    products: Iterable[Product],
    documents: Mapping[str, Mapping[str, Any]],
    locked: Mapping[str, str],
) -> list[Problem]:
    """Refuse binding versions that changed, that nobody locked, or that are gone."""
    by_name = {_name(p): p for p in products}
    problems = []
    for name, product in by_name.items():
        if product.is_binding and name not in locked:
            reason = f"{name} is {product.state} but not in {LOCK_FILE}"
            problems.append(Problem(product.file, "meta.state", reason))
    for name, digest in locked.items():
        found = by_name.get(name)
        if found is None:
            reason = f"{name} is locked, but no file that can be read holds it"
            problems.append(Problem(LOCK_FILE, name, reason))
        elif not found.is_binding:
            reason = f"{name} was effective and cannot be {found.state} again"
            problems.append(Problem(found.file, "meta.state", reason))
        elif content_hash(documents[found.file]) != digest:
            reason = f"{name} is {found.state} and was changed; make a new version instead"
            problems.append(Problem(found.file, "meta.version", reason))
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
        if not name or len(digest) != hashlib.sha256().digest_size * 2 or name in locked:
            reason = "is not `code version sha256`, or stands twice"
            problems.append(Problem(LOCK_FILE, f"line {number}", reason))
        locked[name] = digest
    return locked, problems


def _name(product: Product) -> str:
    return f"{product.terms.code} {product.terms.version}"


__all__ = [
    "Catalogue",
    "CatalogueError",
    "Problem",
    "Product",
    "State",
    "UnknownProductError",
    "load_catalogue",
    "lock_effective",
    "to_publish",
]
