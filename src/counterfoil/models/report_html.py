"""A validation as one page that needs nothing else: styles and pictures within, no scripts.

Shapes      Takes the model and the document of `validation.validate`; what the document does not
            know the page does not show.
Privacy     Counts only; a validation knows no customers.
Languages   English or Chinese, chosen when the page is made; light and dark as the reader's system.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from counterfoil.models.artefact import Artefact
from counterfoil.models.report_card import card_section
from counterfoil.models.report_features import features_section
from counterfoil.models.report_figures import (
    action_section,
    calibration_section,
    fairness_section,
    rank_section,
    stability_section,
)
from counterfoil.models.report_pieces import figure_of, table, tile
from counterfoil.models.report_style import STYLE
from counterfoil.models.report_words import Words, decimal, percent, whole

Document = dict[str, Any]


def render(artefact: Artefact, document: Document, *, language: str) -> str:
    """Return the page; `language` is `en` or `zh-CN`."""
    t = Words(language)
    sections = (
        card_section(artefact, t),
        rank_section(document, t),
        calibration_section(document, t),
        stability_section(document, t),
        action_section(document, t),
        fairness_section(document, t),
        features_section(artefact, document, t),
        _thresholds(document, t),
    )
    title = escape(f"{artefact.code} {artefact.version} · {t('title')}")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"{_header(artefact, document, t)}<main>{_alarms(document, t)}{''.join(sections)}</main>"
        f"{_footer(document, t)}</body></html>\n"
    )


def _header(artefact: Artefact, document: Document, t: Words) -> str:
    data, verdict = document["data"], document["verdict"]
    made_on = t("made_on", rows=whole(data["rows"]), sha=data["sha256"][:12])
    if data["periods"]:
        first, last = data["periods"]
        made_on += " · " + t("periods", first=first, last=last)
    may = t("may" if document["may_be_approved"] else "may_not")
    warning = f'<p class="is-warn">{t("is_training_data")}</p>' if data["is_training_data"] else ""
    return (
        f'<header><p class="over">{t("title")}</p>'
        f"<h1>{escape(artefact.code)} {escape(artefact.version)}</h1>"
        f'<p class="soft">{escape(made_on)}</p><p class="verdict">'
        f'<span class="pill {verdict}">{t(f"verdict_{verdict}")}</span><span>{may}</span></p>'
        f"{warning}{_tiles(document, t)}</header>"
    )


def _tiles(document: Document, t: Words) -> str:
    rank, fit, stable = document["rank_order"], document["calibration"], document["stability"]
    agreement = fit["whole"] or {}
    ratio = agreement.get("ratio_ppm")
    said = f"{percent(agreement.get('predicted_ppm'))} / {percent(agreement.get('actual_ppm'))}"
    counted = t("of_bad", bad=whole(rank["bad"]), cases=whole(rank["cases"]))
    tiles = [
        tile(t("auc"), decimal(rank["auc_ppm"]), _interval(rank, "auc_ppm", t)),
        tile(t("ks"), decimal(rank["ks_ppm"]), _interval(rank, "ks_ppm", t)),
        tile(t("gini"), decimal(rank["gini_ppm"]), counted),
        tile(t("ratio"), decimal(ratio, 2), said),
        tile(
            t("brier"), decimal(fit["brier_ppm"]), f"{t('log_loss')} {decimal(fit['log_loss_e6'])}"
        ),
        tile(t("psi"), decimal(stable["score_psi_ppm"]), _reference(stable, t)),
    ]
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _interval(rank: Document, name: str, t: Words) -> str:
    ends = rank["intervals"].get(name)
    if ends is None:
        return ""
    return t("interval", low=decimal(ends[0]), high=decimal(ends[1]))


def _reference(stable: Document, t: Words) -> str:
    name = stable["reference"]
    return t("no_reference") if name is None else t(f"reference_{name}")


def _alarms(document: Document, t: Words) -> str:
    alarms = document["alarms"]
    if not alarms:
        return f'<h2>{t("alarms")}</h2><p class="card soft">{t("no_alarms")}</p>'
    rows: Iterable[Sequence[str]] = (
        (
            f'<span class="pill {alarm["level"]}">{t(alarm["level"])}</span>',
            escape(t(f"alarm_{alarm['code']}")),
            escape(alarm["subject"] or t("whole")),
            figure_of(alarm["code"], alarm["figure_ppm"]),
            figure_of(alarm["code"], alarm["threshold_ppm"]),
        )
        for alarm in sorted(alarms, key=lambda item: item["level"] != "red")
    )
    columns = ("", t("alarm"), t("subject"), t("figure"), t("threshold"))
    shown = table(columns, rows, numbers={3, 4}, wraps={1})
    return f'<h2>{t("alarms")}</h2><div class="card">{shown}</div>'


def _thresholds(document: Document, t: Words) -> str:
    rows = (
        (escape(name), escape(", ".join(f"{key} {value:,}" for key, value in given.items())))
        for name, given in document["thresholds"].items()
    )
    shown = table((t("thresholds"), "ppm"), rows)
    return f'<h2>{t("thresholds")}</h2><div class="card">{shown}</div>'


def _footer(document: Document, t: Words) -> str:
    said = t("footer", model=document["model"]["sha256"], data=document["data"]["sha256"])
    return f"<footer><p>{escape(said)}</p></footer>"
