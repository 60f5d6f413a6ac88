"""The features of a validation page: what each adds, how it has moved, whether it keeps its way."""

from html import escape
from typing import Any, Final

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Unit
from counterfoil.models.report_charts import Frame, contributions
from counterfoil.models.report_pieces import table
from counterfoil.models.report_words import NOTHING, Words, decimal, percent, whole
from counterfoil.platform.web.axes import plain_tick

Document = dict[str, Any]
_E6 = 1_000_000
#: Legal bases that every reader knows by the same name.
_BASES: Final = ("contract", "consent", "law")


def features_section(artefact: Artefact, document: Document, t: Words) -> str:
    """Return the table of all features, and a picture of each."""
    rows = {row["feature"]: row for row in document["data_quality"]}
    moved = {row["feature"]: row["csi_ppm"] for row in document["stability"]["features"]}
    kept = {row["feature"]: row for row in document["monotone"]}
    columns = (
        *(t("feature"), t("direction"), t("csi"), t("missing"), t("missing_expected")),
        *(t("rejected"), t("unseen"), t("outside"), t("reason"), t("basis")),
    )
    body = (
        (
            f"<strong>{escape(item.feature)}</strong>",
            _direction(kept[item.feature], t),
            _csi(moved.get(item.feature), document),
            percent(rows[item.feature]["missing_ppm"]),
            percent(rows[item.feature]["missing_expected_ppm"]),
            whole(rows[item.feature]["rejected"]),
            whole(rows[item.feature]["unseen"]),
            whole(rows[item.feature]["outside"]),
            escape(_reason(artefact, item.reason, t)),
            escape(_basis(artefact, item.feature, t)),
        )
        for item in artefact.characteristics
    )
    pictures = "".join(
        _picture(artefact, rows[item.feature], moved.get(item.feature), t)
        for item in artefact.characteristics
    )
    return (
        f"<h2>{t('features')}</h2>"
        f'<div class="card">{table(columns, body, numbers={2, 3, 4, 5, 6, 7}, wraps={8})}</div>'
        f'<div class="pair pictures">{pictures}</div>'
    )


def _picture(artefact: Artefact, row: Document, csi_ppm: int | None, t: Words) -> str:
    is_odds = artefact.unit is Unit.LOG_ODDS_E6
    [sign] = artefact.risks([1])
    scale = _E6 if is_odds else 1
    # A bin of categories outside the list has no name of its own.
    cells = [
        cell | {"bin": t("other") if cell["bin"] == "*" else cell["bin"]} for cell in row["cells"]
    ]
    shown = contributions(
        Frame(title=f"{row['feature']}: {t('features_note')}"),
        cells,
        sign=sign,
        unknown=t("unknown"),
        tick=lambda value: plain_tick(value / scale),
    )
    return (
        f'<div class="card"><div class="feature-head"><h3>{escape(row["feature"])}</h3>'
        f'<span class="note">{t("csi")} {decimal(csi_ppm)} · {t("missing")}'
        f" {percent(row['missing_ppm'])}</span></div>{shown}</div>"
    )


def _direction(row: Document, t: Words) -> str:
    said = t(f"direction_{row['declared']}")
    if row["holds"]:
        return f"{said}" if row["declared"] == "none" else f"{said} · {t('holds')}"
    return f'{said} · <span class="is-bad">{t("broken", edge=row["broken_at"])}</span>'


def _csi(ppm: int | None, document: Document) -> str:
    limits = document["thresholds"]["feature_csi"]
    style = "is-bad" if (ppm or 0) >= limits["red"] else "is-warn"
    shown = decimal(ppm)
    return f'<span class="{style}">{shown}</span>' if (ppm or 0) >= limits["amber"] else shown


def _reason(artefact: Artefact, code: str, t: Words) -> str:
    reasons = artefact.card.get("reasons")
    given = reasons.get(code) if isinstance(reasons, dict) else None
    return code if given is None else f"{code} · {t.of(given)}"


def _basis(artefact: Artefact, feature: str, t: Words) -> str:
    features = artefact.card.get("features")
    given: Any = None
    if isinstance(features, dict):
        given = features.get(feature)
    elif isinstance(features, list):
        given = next(
            (one for one in features if isinstance(one, dict) and one.get("name") == feature), None
        )
    basis = given.get("basis") if isinstance(given, dict) else None
    if basis in _BASES:
        return t(f"basis_{basis}")
    return NOTHING if basis is None else t.of(basis)
