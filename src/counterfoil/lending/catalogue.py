"""The product catalogue: every version of every product, read from files and held to its word.

Invariant   The catalogue is loaded whole or refused whole, with every fault of every file. A
            version under which loans were made is locked by the hash of its content: changed,
            missing or sent back to a draft, it refuses the catalogue. A price lies under the cap
            that the lender's licence has on the day the version takes effect; a cap that is not
            known refuses as well.
Follows     For the caps: `products/licences.toml`, which names the rule each entry comes from.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from counterfoil.lending.licence_limits import LimitCap, limit_cap, read_limit_caps
from counterfoil.lending.price_caps import highest_rate_daily_e8
from counterfoil.lending.product_file import (
    BINDING_STATES,
    LICENCES,
    MARKS,
    Problem,
    Product,
    State,
    read_product,
)
from counterfoil.lending.product_values import FaultError, percent_e8
from counterfoil.lending.terms import Terms

LOCK_FILE = "effective.lock"
LICENCES_FILE = "licences.toml"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceCap:
    """The most that a loan under some licences may cost in a year, from a date."""

    licences: tuple[str, ...]
    from_date: date
    annual_e8: int
    rule: str
    mark: str


class Catalogue:
    """Product versions by code and version."""

    __slots__ = ("_by_code", "_limit_caps", "_price_caps", "_products")

    def __init__(
        self,
        products: Iterable[Product],
        limit_caps: Iterable[LimitCap] = (),
        price_caps: Iterable[LicenceCap] = (),
    ) -> None:
        """Take products whose code and version are unique, and what licences allow at most."""
        self._limit_caps = tuple(limit_caps)
        self._price_caps = tuple(price_caps)
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

    def limit_cap_minor(self, licence: str, on: date) -> int | None:
        """Return the highest limit that a licence allows on a date; None where none is known."""
        cap = limit_cap(self._limit_caps, licence, on)
        return None if cap is None else cap.limit_minor

    def rate_cap_daily_e8(self, licence: str, on: date) -> int | None:
        """Return the highest daily price a licence leaves room for; None where no cap is known."""
        cap = licence_cap(self._price_caps, licence, on)
        return None if cap is None else highest_rate_daily_e8(cap.annual_e8)

    def all(self) -> tuple[Terms, ...]:
        """Return the terms of every version, by code and version."""
        return tuple(p.terms for p in self._products.values())

    def products(self) -> tuple[Product, ...]:
        """Return every version, by code and version."""
        return tuple(self._products.values())


def load_catalogue(directory: Path | None = None) -> Catalogue:
    """Return the catalogue of a directory, or of the product files that come with the program.

    Raises CatalogueError with all faults of all files.
    """
    folder = _folder(directory)
    documents, problems = _documents(folder)
    products, more = _products(documents)
    locked, faults = _locked(folder)
    problems += more + faults
    price_caps = _licence_caps(folder, problems)
    problems += _over_licence_cap(products, price_caps)
    limit_caps = _limit_caps(folder, problems)
    problems += _over_limit_cap(products, limit_caps)
    problems += _twice(products) + _unlocked(products, documents, locked)
    if problems:
        raise CatalogueError(sorted(set(problems)))
    return Catalogue(products, limit_caps, price_caps)


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
    return sorted(added)


def content_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a version promises: all keys but those that say it ends."""
    meta = {key: value for key, value in document["meta"].items() if key not in _MAY_CHANGE}
    canonical = orjson.dumps({**document, "meta": meta}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


# ----------------------------------------------------------------------------------- reading


def _folder(directory: Path | None) -> Traversable:
    return directory if directory is not None else resources.files("counterfoil") / "products"


def _documents(folder: Traversable) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return the parsed product files of a folder by name."""
    documents: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml") and entry.name != LICENCES_FILE:
            try:
                documents[entry.name] = tomllib.loads(entry.read_text(encoding="utf-8"))
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


def _licence_caps(folder: Traversable, problems: list[Problem]) -> list[LicenceCap]:
    """Return the caps of the folder, or those that come with the program where it has none."""
    source = folder / LICENCES_FILE
    if not source.is_file():
        source = _folder(None) / LICENCES_FILE
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
        return [_licence_cap(number, item) for number, item in enumerate(document["caps"], 1)]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, FaultError) as error:
        problems.append(Problem(LICENCES_FILE, "caps", f"cannot be read: {error}"))
        return []


def _limit_caps(folder: Traversable, problems: list[Problem]) -> list[LimitCap]:
    """Return the highest limits by licence, of the folder or of the program."""
    source = folder / LICENCES_FILE
    if not source.is_file():
        source = _folder(None) / LICENCES_FILE
    try:
        return read_limit_caps(source, LICENCES, MARKS)
    except (tomllib.TOMLDecodeError, FaultError) as error:
        problems.append(Problem(LICENCES_FILE, "limit_caps", f"cannot be read: {error}"))
        return []


def _licence_cap(number: int, item: Mapping[str, Any]) -> LicenceCap:
    if unknown := set(item["licences"]) - set(LICENCES):
        raise FaultError(f"entry {number} names the unknown licence {min(unknown)}")
    if item["mark"] not in MARKS or type(item["from"]) is not date:
        raise FaultError(f"entry {number} needs a date and one of the marks {', '.join(MARKS)}")
    return LicenceCap(
        licences=tuple(item["licences"]),
        from_date=item["from"],
        annual_e8=percent_e8(item["annual_most"]),
        rule=item["rule"],
        mark=item["mark"],
    )


# ---------------------------------------------------------------------------------- checking


def _over_licence_cap(products: Iterable[Product], caps: Iterable[LicenceCap]) -> list[Problem]:
    """Refuse a cost above what the licence allows on the day the version takes effect."""
    problems = []
    caps = tuple(caps)
    for product in products:
        cap = licence_cap(caps, product.terms.licence, product.effective_from)
        if cap is None:
            reason = f"no cap is known for a {product.terms.licence} on {product.effective_from}"
        elif product.terms.cost_annual_e8_cap > cap.annual_e8:
            reason = f"is above the cap of the licence, rule {cap.rule} ({cap.mark})"
        else:
            continue
        problems.append(Problem(product.file, "cost.annual_most", reason))
    return problems


def _over_limit_cap(products: Iterable[Product], caps: Sequence[LimitCap]) -> list[Problem]:
    """Refuse a highest limit above what the licence allows on the day of effect."""
    problems = []
    for product in products:
        cap = limit_cap(caps, product.terms.licence, product.effective_from)
        if cap is not None and product.terms.limit_minor_max > cap.limit_minor:
            reason = f"is above the cap of the licence, rule {cap.rule} ({cap.mark})"
            problems.append(Problem(product.file, "line.limit_most", reason))
    return problems


def licence_cap(caps: Iterable[LicenceCap], licence: str, on: date) -> LicenceCap | None:
    """Return the cap that holds for a licence on a date; None where none is known."""
    holding = [cap for cap in caps if licence in cap.licences and cap.from_date <= on]
    return max(holding, key=lambda cap: cap.from_date, default=None)


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
    "LicenceCap",
    "Problem",
    "Product",
    "State",
    "UnknownProductError",
    "licence_cap",
    "load_catalogue",
    "lock_effective",
    "to_publish",
]
