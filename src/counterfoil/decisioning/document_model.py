"""A model in a policy's document: from the file that training made to tables in the document.

File        Canonical JSON (RFC 8785) of the form `counterfoil-model/1`; its field `sha256` is the
            hash of everything else. A file that was edited, or that is not the one the policy
            names, is refused.
Document    What a decision needs – identity, unit, tables, calibration – is written into the
            canonical document in place of the file's name, so that a version decides, and a
            decision is replayed, without the file.
"""

import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import pairwise
from typing import Final

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_types import Shape, ValueType
from counterfoil.decisioning.scorecard import Characteristic, Model, Scorecard, Unit

FORMAT: Final = "counterfoil-model/1"
BYTES_MAX: Final = 8_000_000
PPM: Final = 1_000_000
#: A file beside the policy or among the shipped models: a name, never a way.
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
#: What of a model's file enters the document; the rest is about how it was made.
_KEPT: Final = ("code", "version", "sha256", "unit", "base", "characteristics", "calibration")
#: What of a characteristic and of a calibration decides.
_KEPT_OF_ITEM: Final = (
    *("feature", "type", "edges", "values", "unknown", "categories"),
    *("reason", "reason_unknown"),
)
_KEPT_OF_CALIBRATION: Final = ("version", "edges", "pd_ppm")

#: Gives the content of a model's file by its name; raises OSError where there is none.
FindModel = Callable[[str], bytes]


def with_model(document: dict[str, object], find: FindModel | None) -> dict[str, object]:
    """Return the document with the tables of the model that it names by file and hash."""
    named = document.get("model")
    if not isinstance(named, dict) or "file" not in named:
        return document
    table = Table("policy.model", named)
    name, claimed = table.text("file"), table.text("sha256")
    table.finish()
    if not _FILE.fullmatch(name):
        raise table.fault("file", "is not the name of a JSON file beside the policy")
    if find is None:
        raise table.fault("file", "cannot be looked for here; read the policy from its file")
    try:
        content = find(name)
    except FileNotFoundError as failure:
        reason = f"{name} is neither beside the policy nor among the models that ship"
        raise table.fault("file", reason) from failure
    except OSError as failure:
        raise table.fault("file", f"cannot be read: {failure.strerror}") from failure
    return document | {"model": _kept(table, name, claimed, content)}


def read_model(table: Table, shapes: Mapping[str, Shape]) -> Scorecard:
    """Return the card of a model as the canonical document holds it."""
    unit = _unit(table)
    code, version, digest = table.text("code"), table.text("version"), table.text("sha256")
    if not _SHA256.fullmatch(digest):
        raise table.fault("sha256", "is not a SHA-256 in hexadecimal")
    calibration = table.table("calibration")
    model = Model(
        code=code,
        version=version,
        sha256=digest,
        calibration=calibration.text("version"),
        edges=calibration.integers("edges"),
        pd_ppm=calibration.integers("pd_ppm"),
    )
    calibration.finish()
    _check_calibration(calibration, model, unit)
    card = Scorecard(
        base_points=table.integer("base"),
        characteristics=tuple(
            _characteristic(item, shapes, unit) for item in table.tables("characteristics")
        ),
        unit=unit,
        model=model,
    )
    table.finish()
    names = [item.feature for item in card.characteristics]
    if len(set(names)) < len(names):
        raise table.fault("characteristics", "names a feature twice")
    return card


def _kept(table: Table, name: str, claimed: str, content: bytes) -> dict[str, object]:
    file = _parsed(table, name, content)
    if file.get("format") != FORMAT:
        raise table.fault("file", f"{name} is not a model of the form {FORMAT}")
    stated = file.get("sha256")
    try:
        found = sha256(canonical_bytes({k: v for k, v in file.items() if k != "sha256"}))
    except NotCanonicalError as wrong:
        raise table.fault("file", f"{name} is not canonical: {wrong}") from wrong
    if stated != found.hexdigest():
        raise table.fault(
            "file",
            f"{name} says {stated}, its content has {found.hexdigest()}: it was edited after it "
            "was made; train or export the model again",
        )
    if stated != claimed:
        raise table.fault(
            "sha256", f"names another model: {name} is {stated}; take that hash if it is meant"
        )
    kept: dict[str, object] = {key: file[key] for key in _KEPT if key in file}
    items, calibration = kept.get("characteristics"), kept.get("calibration")
    if isinstance(items, list):
        kept["characteristics"] = [_part(item, _KEPT_OF_ITEM) for item in items]
    return kept | {"calibration": _part(calibration, _KEPT_OF_CALIBRATION)}


def _part(item: object, keys: tuple[str, ...]) -> object:
    if not isinstance(item, dict):
        return item
    # What is empty or null says nothing; the document leaves it out.
    return {key: item[key] for key in keys if item.get(key) not in (None, {})}


def _parsed(table: Table, name: str, content: bytes) -> dict[str, object]:
    if len(content) > BYTES_MAX:
        raise table.fault("file", f"{name} is longer than {BYTES_MAX:,} bytes")
    try:
        file = json.loads(content)
    except (ValueError, RecursionError) as failure:
        raise table.fault("file", f"{name} is not JSON: {failure}") from failure
    if not isinstance(file, dict):
        raise table.fault("file", f"{name} is not a table")
    return file


def _unit(table: Table) -> Unit:
    text = table.text("unit")
    if text not in tuple(Unit):
        raise table.fault("unit", f"is {text!r}, none of {', '.join(Unit)}")
    return Unit(text)


def _characteristic(table: Table, shapes: Mapping[str, Shape], unit: Unit) -> Characteristic:
    feature, kind = table.text("feature"), table.text("type")
    edges, values = table.integers("edges"), table.integers("values")
    given = table.integers_by_key_if_any("categories")
    names = sorted(given)
    item = Characteristic(
        feature=feature,
        edges=edges,
        points=(*values, *(given[name] for name in names)),
        points_unknown=table.integer_or_none("unknown"),
        reason=table.text("reason"),
        reason_unknown=table.text("reason_unknown"),
        categories={name: number for number, name in enumerate(names, start=1)},
        is_risk=unit is Unit.LOG_ODDS_E6,
    )
    table.finish()
    if feature not in shapes:
        raise table.fault("feature", f"{feature} is neither declared nor derived by the policy")
    if shapes[feature].type.value != kind:
        raise table.fault(
            "type", f"is {kind}; the policy declares {feature} as {shapes[feature].type.value}"
        )
    _check_table(table, item, shapes[feature].type, len(values))
    return item


def _check_table(table: Table, item: Characteristic, kind: ValueType, values: int) -> None:
    if any(low >= high for low, high in pairwise(item.edges)):
        raise table.fault("edges", "do not ascend")
    if values != len(item.edges) + 1:
        raise table.fault("values", f"has {values:,} entries for {len(item.edges):,} edges")
    if (kind is ValueType.TEXT) != bool(item.categories) or (item.categories and item.edges):
        raise table.fault("categories", "belong to a text, which has no edges")
    if kind is ValueType.BOOLEAN and item.edges != (1,):
        raise table.fault("edges", "of a boolean are [1]: false, then true")


def _check_calibration(table: Table, model: Model, unit: Unit) -> None:
    if any(low >= high for low, high in pairwise(model.edges)):
        raise table.fault("edges", "do not ascend")
    if len(model.pd_ppm) != len(model.edges) + 1:
        raise table.fault("pd_ppm", "has not one number more than edges")
    if not all(0 <= pd <= PPM for pd in model.pd_ppm):
        raise table.fault("pd_ppm", f"lie between 0 and {PPM:,}")
    by_risk = model.pd_ppm if unit is Unit.LOG_ODDS_E6 else model.pd_ppm[::-1]
    if any(low > high for low, high in pairwise(by_risk)):
        raise InvalidPolicyError(f"{table.place}.pd_ppm", "falls where the risk rises")
