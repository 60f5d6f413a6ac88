"""A model as a file: integer tables, the probability a score means, and what it was made of.

Form        Canonical JSON (RFC 8785) whose field `sha256` is the SHA-256 of the canonical bytes of
            everything else. It is the model's identity; blanks and the order of keys do not count.
Units       `log_odds_e6`: millionths of the log odds of default, higher is riskier. `points`:
            points of a card, higher is better. Probabilities in ppm. Integers only, so that every
            engine gives the same bits.
Invariant   A score is the base plus the contributions shown; nothing else enters it.
Unknown     A feature that is not known has a value of its own, or (null) leaves the whole score
            unknown. A value of another type counts as not known and is named in the score.
Direction   Of risk: `up` means that the risk never falls as the feature rises; `u_shape` that it
            falls and then rises.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import rfc8785

from counterfoil.models.artefact_parts import (
    Band,
    Calibration,
    Characteristic,
    Contribution,
    Json,
    Kind,
    Method,
    Monotone,
    Score,
    Target,
    Training,
    Type,
    Unit,
    Value,
    keeps_direction,
)
from counterfoil.models.document import FaultError, Table

FORMAT: Final = "counterfoil-model/1"
PPM: Final = 1_000_000

#: Beyond this another reader of JSON may lose digits (RFC 8785, section 3.2.2.3).
INTEGER_MAX: Final = 2**53 - 1
BYTES_MAX: Final = 8_000_000
CHARACTERISTICS_MAX: Final = 1_000
EDGES_MAX: Final = 4_096
CATEGORIES_MAX: Final = 4_096
BANDS_MAX: Final = 64
#: How deep a model's card may nest.
DEPTH_MAX: Final = 8


class ModelFileError(FaultError):
    """The file is not a model, or was changed after it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A model as its file says it."""

    code: str
    version: str
    kind: Kind
    target: Target
    training: Training
    unit: Unit
    base: int
    characteristics: tuple[Characteristic, ...]
    calibration: Calibration
    bands: tuple[Band, ...]
    #: What people want to know of a model; free but for its types.
    card: Mapping[str, Json]

    @property
    def sha256(self) -> str:
        """Return the model's identity."""
        return _hash(_document(self))

    def score(self, values: Mapping[str, Value | None]) -> Score:
        """Return the score of a case; a feature that is not there is not known."""
        rejected: list[str] = []
        contributions: list[Contribution] = []
        total: int | None = self.base
        for item in self.characteristics:
            value = values.get(item.feature)
            if value is not None and not item.accepts(value):
                rejected.append(item.feature)
                value = None
            amount = item.amount(value)
            total = None if total is None or amount is None else total + amount
            contributions.append(self._contribution(item, amount, is_known=value is not None))
        pd_ppm = None if total is None else self.calibration.pd_of(total)
        return Score(
            total=total,
            contributions=tuple(contributions),
            pd_ppm=pd_ppm,
            band=None if pd_ppm is None else self.band_of(pd_ppm),
            rejected=tuple(rejected),
        )

    def band_of(self, pd_ppm: int) -> str:
        """Return the grade of a probability."""
        return next(band.code for band in self.bands if pd_ppm <= band.pd_ppm_max)

    def risks(self, amounts: Iterable[int]) -> tuple[int, ...]:
        """Return amounts as risk: higher is riskier, whatever the unit."""
        sign = 1 if self.unit is Unit.LOG_ODDS_E6 else -1
        return tuple(sign * amount for amount in amounts)

    def broken_directions(self) -> tuple[str, ...]:
        """Return the features whose table goes against the direction declared for them."""
        return tuple(
            item.feature
            for item in self.characteristics
            if not keeps_direction(item.monotone, self.risks(item.values))
        )

    def recalibrated(self, calibration: Calibration) -> "Artefact":
        """Return the same tables with another calibration."""
        return replace(self, calibration=calibration)

    def _contribution(
        self, item: Characteristic, amount: int | None, *, is_known: bool
    ) -> Contribution:
        shortfall = 0
        if amount is not None:
            [risk] = self.risks([amount])
            shortfall = max(0, risk - min(self.risks(item.attainable())))
        reason = item.reason if is_known else item.reason_unknown
        return Contribution(item.feature, amount, is_known, shortfall, reason)


def document_of(artefact: Artefact) -> dict[str, Json]:
    """Return a model as its file says it, hash and all."""
    return _document(artefact) | {"sha256": artefact.sha256}


def write_artefact(artefact: Artefact) -> bytes:
    """Return the file of a model, hash and all; it reads back as the same model."""
    content = rfc8785.dumps(document_of(artefact))
    assert read_artefact(content) == artefact, "a model that is written can be read"
    return content


def read_artefact(content: bytes) -> Artefact:
    """Return the model of a file; raises `ModelFileError` with place and reason."""
    document = _parsed(content)
    table = Table("", document, ModelFileError)
    claimed = table.text("sha256")
    form = table.text("format")
    if form != FORMAT:
        raise table.fault("format", f"is {form!r}; {FORMAT!r} can be read")
    found = _hash({key: item for key, item in document.items() if key != "sha256"})
    if claimed != found:
        raise table.fault(
            "sha256",
            f"says {claimed}, the content has {found}: the file was changed after it was made",
        )
    artefact = _artefact(table)
    table.finish()
    return artefact


def _parsed(content: bytes) -> dict[str, Json]:
    if len(content) > BYTES_MAX:
        raise ModelFileError("the file", f"is longer than {BYTES_MAX:,} bytes")
    try:
        document = json.loads(content, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError as deep:
        raise ModelFileError("the file", "nests too deep") from deep
    except ModelFileError:
        raise
    except ValueError as failure:  # not JSON, not Unicode, or an integer of thousands of digits
        raise ModelFileError("the file", f"is not JSON: {failure}") from failure
    if not isinstance(document, dict):
        raise ModelFileError("the file", "is not a table")
    for key, item in document.items():
        _check(key, item, DEPTH_MAX)
    return document


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, item in pairs:
        if key in found:
            raise ModelFileError(key, "stands in one table twice")
        found[key] = item
    return found


def _constant(text: str) -> Json:
    raise ModelFileError("the file", f"holds {text}, which is not a number")


def _check(place: str, item: object, depth: int) -> None:
    if isinstance(item, float):
        raise ModelFileError(place, f"is the fraction {item}; a model holds integers")
    if isinstance(item, int) and abs(item) > INTEGER_MAX:
        raise ModelFileError(place, f"is {item}; integers end at 2^53")
    if isinstance(item, dict | list):
        if depth == 0:
            raise ModelFileError(place, "nests too deep")
        parts = item.items() if isinstance(item, dict) else enumerate(item)
        for key, part in parts:
            _check(place, str(key), depth)
            _check(f"{place}.{key}", part, depth - 1)
    if isinstance(item, str) and any("\ud800" <= letter <= "\udfff" for letter in item):
        raise ModelFileError(place, "is not a text of Unicode")


def _hash(document: Mapping[str, Json]) -> str:
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def _artefact(table: Table) -> Artefact:
    unit = Unit(table.one_of("unit", tuple(Unit)))
    base = table.integer("base")
    items = table.tables("characteristics", count_max=CHARACTERISTICS_MAX, name="feature")
    characteristics = tuple(map(_characteristic, items))
    names = [item.feature for item in characteristics]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise table.fault("characteristics", f"names {twice} twice")
    _check_reach(table, base, characteristics)
    return Artefact(
        code=table.text("code"),
        version=table.text("version"),
        kind=Kind(table.one_of("kind", tuple(Kind))),
        target=_target(table.table("target")),
        training=_training(table.table("training")),
        unit=unit,
        base=base,
        characteristics=characteristics,
        calibration=_calibration(table.table("calibration"), unit),
        bands=_bands(table),
        card=_json_table(table, "card"),
    )


def _target(table: Table) -> Target:
    target = Target(
        name=table.text("name"),
        event=table.text("event"),
        horizon_months=table.integer("horizon_months", least=1, most=600),
    )
    table.finish()
    return target


def _training(table: Table) -> Training:
    training = Training(
        data_sha256=table.text("data_sha256"),
        rows=table.integer("rows", least=1),
        bad_ppm=table.integer("bad_ppm", least=0, most=PPM),
        seed=table.integer("seed"),
        code_version=table.text("code_version"),
        parameters=_json_table(table, "parameters"),
        period=_json_table(table, "period") if table.has_value("period") else None,
    )
    table.finish()
    return training


def _characteristic(table: Table) -> Characteristic:
    item = Characteristic(
        feature=table.text("feature"),
        type=Type(table.one_of("type", tuple(Type))),
        edges=table.integers("edges", count_max=EDGES_MAX),
        values=table.integers("values", count_max=EDGES_MAX + 1),
        unknown=table.integer_or_null("unknown"),
        categories=table.integers_by_key("categories", count_max=CATEGORIES_MAX),
        monotone=Monotone(table.one_of("monotone", tuple(Monotone))),
        reason=table.text("reason"),
        reason_unknown=table.text("reason_unknown"),
    )
    table.finish()
    _check_steps(table, "values", item.edges, item.values)
    if item.categories and item.type is not Type.TEXT:
        raise table.fault("categories", f"are for texts; the feature is of type {item.type}")
    if item.type is Type.TEXT and (item.edges or not item.categories):
        raise table.fault("categories", "a text has categories and no edges")
    if item.type is Type.TEXT and item.monotone is not Monotone.NONE:
        raise table.fault("monotone", "a text has no direction")
    if item.type is Type.BOOLEAN and item.edges != (1,):
        raise table.fault("edges", "of a boolean are [1]: false, then true")
    return item


def _check_steps(table: Table, key: str, edges: tuple[int, ...], values: tuple[int, ...]) -> None:
    if any(low >= high for low, high in pairwise(edges)):
        raise table.fault("edges", "do not ascend")
    if len(values) != len(edges) + 1:
        raise table.fault(key, f"has {len(values):,} entries for {len(edges):,} edges")


def _check_reach(table: Table, base: int, characteristics: Iterable[Characteristic]) -> None:
    reach = abs(base) + sum(
        max(map(abs, (*item.attainable(), item.unknown or 0))) for item in characteristics
    )
    if reach > INTEGER_MAX:
        raise table.fault("characteristics", "can add up to more than 2^53")


def _calibration(table: Table, unit: Unit) -> Calibration:
    calibration = Calibration(
        version=table.text("version"),
        method=Method(table.one_of("method", tuple(Method))),
        edges=table.integers("edges", count_max=EDGES_MAX),
        pd_ppm=table.integers("pd_ppm", count_max=EDGES_MAX + 1),
    )
    table.finish()
    _check_steps(table, "pd_ppm", calibration.edges, calibration.pd_ppm)
    if any(not 0 <= pd <= PPM for pd in calibration.pd_ppm):
        raise table.fault("pd_ppm", "holds something that is not between 0 and 1,000,000")
    by_risk = calibration.pd_ppm if unit is Unit.LOG_ODDS_E6 else calibration.pd_ppm[::-1]
    if any(low > high for low, high in pairwise(by_risk)):
        raise table.fault("pd_ppm", "falls where the risk rises")
    return calibration


def _bands(table: Table) -> tuple[Band, ...]:
    bands = []
    for item in table.tables("bands", count_max=BANDS_MAX, name="code"):
        bands.append(Band(code=item.text("code"), pd_ppm_max=item.integer("pd_ppm_max", most=PPM)))
        item.finish()
    if len({band.code for band in bands}) < len(bands):
        raise table.fault("bands", "names a grade twice")
    if any(low.pd_ppm_max >= high.pd_ppm_max for low, high in pairwise(bands)):
        raise table.fault("bands", "do not ascend")
    if bands[-1].pd_ppm_max != PPM:
        raise table.fault("bands", "the last one has to reach 1,000,000, or some have no grade")
    return tuple(bands)


def _json_table(table: Table, key: str) -> Mapping[str, Json]:
    content = table.anything(key)
    if not isinstance(content, dict):
        raise table.fault(key, "is not a table")
    return content


def _document(artefact: Artefact) -> dict[str, Json]:
    target, training, calibration = artefact.target, artefact.training, artefact.calibration
    return {
        "format": FORMAT,
        "code": artefact.code,
        "version": artefact.version,
        "kind": str(artefact.kind),
        "target": {
            "name": target.name,
            "event": target.event,
            "horizon_months": target.horizon_months,
        },
        "training": {
            "data_sha256": training.data_sha256,
            "rows": training.rows,
            "bad_ppm": training.bad_ppm,
            "seed": training.seed,
            "code_version": training.code_version,
            "parameters": dict(training.parameters),
            "period": None if training.period is None else dict(training.period),
        },
        "unit": str(artefact.unit),
        "base": artefact.base,
        "characteristics": [_characteristic_document(item) for item in artefact.characteristics],
        "calibration": {
            "version": calibration.version,
            "method": str(calibration.method),
            "edges": list(calibration.edges),
            "pd_ppm": list(calibration.pd_ppm),
        },
        "bands": [{"code": band.code, "pd_ppm_max": band.pd_ppm_max} for band in artefact.bands],
        "card": dict(artefact.card),
    }


def _characteristic_document(item: Characteristic) -> Json:
    return {
        "feature": item.feature,
        "type": str(item.type),
        "edges": list(item.edges),
        "values": list(item.values),
        "unknown": item.unknown,
        "categories": dict(item.categories),
        "monotone": str(item.monotone),
        "reason": item.reason,
        "reason_unknown": item.reason_unknown,
    }
