"""A file of cases in, a file of scores out."""

from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.bulk_reasons import reasons_frame
from counterfoil.models.bulk_score import score_frame
from counterfoil.models.case_frame import case_frame
from counterfoil.models.data_columns import UnfitDataError, read_frame

CSV: Final = ".csv"


def score_file(
    artefact: Artefact, source: Path, target: Path, keep: list[str]
) -> dict[str, object]:
    """Write score, probability, grade and reasons of each case; return what was counted."""
    given = read_frame(source)
    absent = [(name, "is not a column of the file") for name in keep if name not in given.columns]
    if absent:
        raise UnfitDataError(absent)
    cases = case_frame(artefact, given)
    scores = score_frame(artefact, cases.frame)
    ends = [band.pd_ppm_max for band in artefact.bands]
    codes = pl.Series([band.code for band in artefact.bands])
    # A grade reaches up to its highest probability, so the search is for the left side.
    places = pl.Series(ends, dtype=pl.Int64).search_sorted(scores.pd_ppm.fill_null(0), side="left")
    bands = codes.gather(places).alias("band").set(scores.pd_ppm.is_null(), None)
    made = pl.DataFrame([scores.total.alias("score"), scores.pd_ppm, bands])
    result = pl.concat(
        [given.select(keep), made, reasons_frame(artefact, scores)], how="horizontal"
    )
    if target.suffix.lower() == CSV:
        result.write_csv(target)
    else:
        result.write_parquet(target)
    return {
        "rows": result.height,
        "unscored": scores.total.null_count(),
        "bands": {band.code: int((bands == band.code).sum()) for band in artefact.bands},
        "faults": dict(cases.faults),
        "absent": list(cases.absent),
        "outside": dict(cases.outside),
        "missing": {name: column.missing for name, column in scores.columns.items()},
        "unseen": {name: found.unseen for name, found in scores.columns.items() if found.unseen},
    }
