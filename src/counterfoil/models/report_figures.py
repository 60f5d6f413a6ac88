"""The sections of a validation page that are made of figures over cases."""

from html import escape
from typing import Any

from counterfoil.models.report_charts import (
    PPM,
    Frame,
    curves,
    histogram,
    marked_gap,
    pairs,
    trend,
    with_overlay,
)
from counterfoil.models.report_pieces import chart_card, side_by_side, table
from counterfoil.models.report_words import Words, decimal, percent, whole
from counterfoil.platform.web.axes import plain_tick

Document = dict[str, Any]


def rank_section(document: Document, t: Words) -> str:
    """Return ROC, KS, the distribution of scores, and rank order by segment."""
    rank = document["rank_order"]
    roc = curves(
        Frame(title=t("roc"), x_label=t("good_given_up"), y_label=t("found")),
        [(f"{t('auc')} {decimal(rank['auc_ppm'])}", "s0", [tuple(p) for p in rank["roc"]])],
        diagonal=True,
    )
    cumulative = rank["ks_curve"]
    ks = curves(
        Frame(title=t("ks_curve"), x_label=t("share_of_cases"), y_label=t("found")),
        [
            (t("bad_cases"), "bad", [(point[0], point[2]) for point in cumulative]),
            (t("good_cases"), "good", [(point[0], point[1]) for point in cumulative]),
        ],
        diagonal=False,
    )
    widest = max(cumulative, key=lambda point: abs(point[1] - point[2]), default=None)
    if widest is not None:
        share, good, bad = widest
        told = f"{t('ks')} {decimal(rank['ks_ppm'])}"
        ks = with_overlay(ks, marked_gap(share, good, bad, told))
    bars = [(bar["risk"], bar["good"], bar["bad"]) for bar in document["stability"]["histogram"]]
    scores = histogram(
        Frame(title=t("distribution"), x_label=t("risk")),
        bars,
        (t("good_cases"), t("bad_cases")),
        _risk_tick(bars),
    )
    return (
        f"<h2>{t('rank_order')}</h2>"
        + side_by_side(
            chart_card(t("roc"), t("roc_note"), roc), chart_card(t("ks_curve"), t("ks_note"), ks)
        )
        + side_by_side(
            chart_card(t("distribution"), t("distribution_note"), scores),
            chart_card(t("by_segment"), "", "", _ranks(rank["by_segment"], t)),
        )
    )


def calibration_section(document: Document, t: Words) -> str:
    """Return predicted against actual by grade, as a picture and as a table."""
    grades = document["calibration"]["by_grade"]
    rows = [
        (
            grade["name"],
            grade["predicted_ppm"] / PPM * 100,
            grade["actual_ppm"] / PPM * 100,
            grade["cases"],
        )
        for grade in grades
    ]
    picture = pairs(
        Frame(title=t("by_grade"), x_label=t("grade")), rows, (t("predicted"), t("actual"))
    )
    shown = _agreements(grades, t("grade"), document, t)
    return f"<h2>{t('calibration')}</h2>" + side_by_side(
        chart_card(t("by_grade"), t("by_grade_note"), picture),
        chart_card(t("by_grade"), "", "", shown),
    )


def stability_section(document: Document, t: Words) -> str:
    """Return AUC, predicted over actual and PSI by period."""
    stable, rank, fit = document["stability"], document["rank_order"], document["calibration"]
    limits = document["thresholds"]
    names = [row["name"] for row in rank["by_period"]]
    if not names:
        note = t("no_reference") if stable["reference"] is None else ""
        head = f"<h2>{t('stability')}</h2>"
        return f'{head}<p class="card soft">{note}</p>' if note else ""
    auc = trend(
        Frame(title=t("trend_auc")),
        names,
        [(t("auc"), "s0", [_share(row["auc_ppm"]) for row in rank["by_period"]])],
        tick=plain_tick,
        floor=0.5,
    )
    ratio = trend(
        Frame(title=t("trend_ratio")),
        names,
        [(t("ratio"), "s0", [_share(row["ratio_ppm"]) for row in fit["by_period"]])],
        tick=plain_tick,
        limits=[(limits["calibration"][name] / PPM, "amber") for name in ("low", "high")],
        floor=0.5,
    )
    psi = trend(
        Frame(title=t("trend_psi")),
        [row["name"] for row in stable["by_period"]],
        [
            (t("psi"), "s0", [_share(row["score_psi_ppm"]) for row in stable["by_period"]]),
            (t("grade_psi"), "s2", [_share(row["grade_psi_ppm"]) for row in stable["by_period"]]),
        ],
        tick=plain_tick,
        limits=[(limits["score_psi"][name] / PPM, name) for name in ("amber", "red")],
    )
    told = "" if stable["reference"] is None else t(f"reference_{stable['reference']}")
    return (
        f"<h2>{t('stability')}</h2>"
        + side_by_side(chart_card(t("trend_auc"), "", auc), chart_card(t("trend_ratio"), "", ratio))
        + side_by_side(
            chart_card(t("trend_psi"), told, psi),
            chart_card(t("by_period"), "", "", _periods(document, t)),
        )
    )


def action_section(document: Document, t: Words) -> str:
    """Return approval against bad rate, and the swap set where there is a champion."""
    action = document["action"]
    cuts = action["cut_offs"]
    picture = trend(
        Frame(title=t("cut_offs"), x_label=t("approval")),
        [percent(cut["approval_ppm"], 0) for cut in cuts],
        [(t("bad_among"), "s0", [_share(cut["bad_ppm"], 100) for cut in cuts])],
        tick=lambda value: f"{plain_tick(round(value, 1))}%",
    )
    swap = action["swap"]
    return f"<h2>{t('action')}</h2>" + side_by_side(
        chart_card(t("cut_offs"), t("cut_offs_note"), picture),
        "" if swap is None else _swap(swap, action["approval_ppm"], t),
    )


def fairness_section(document: Document, t: Words) -> str:
    """Return each group's approval, bad rate, impact ratio and calibration at one cut-off."""
    if not document["fairness"]:
        return ""
    note = t("fairness_note", approval=percent(document["action"]["approval_ppm"], 0))
    limit = document["thresholds"]["impact_ratio"]["red"]
    columns = (
        *(t("group"), t("cases"), t("accepted"), t("impact_ratio"), t("bad_rate")),
        *(t("bad_among_accepted"), t("ratio"), t("auc")),
    )
    cards = ""
    for block in document["fairness"]:
        rows = (
            (
                escape(row["value"]),
                whole(row["cases"]),
                _meter(row["approved_ppm"]),
                _flagged(decimal(row["impact_ratio_ppm"], 2), is_bad=_below(row, limit)),
                percent(row["bad_ppm"]),
                percent(row["bad_among_approved_ppm"]),
                decimal(row["calibration_ratio_ppm"], 2),
                decimal(row["auc_ppm"]),
            )
            for row in block["values"]
        )
        body = table(columns, rows, numbers={1, 3, 4, 5, 6, 7})
        cards += f'<div class="card"><h3>{escape(block["group"])}</h3>{body}</div>'
    return f'<h2>{t("fairness")}</h2><p class="note">{note}</p>{cards}'


def _below(row: Document, limit: int) -> bool:
    ratio = row["impact_ratio_ppm"]
    return ratio is not None and ratio < limit


def _flagged(text: str, *, is_bad: bool) -> str:
    return f'<span class="is-bad">{text}</span>' if is_bad else text


def _meter(ppm: int | None) -> str:
    wide = (ppm or 0) / PPM * 100
    return f'<span class="meter"><i style="width:{wide:.1f}%"></i></span>{percent(ppm)}'


def _swap(swap: Document, approval_ppm: int, t: Words) -> str:
    champion, sets, profit = swap["champion"], swap["sets"], swap["profit"]
    note = t(
        "swap_note",
        approval=percent(approval_ppm, 0),
        new=decimal(swap["auc_ppm"]),
        old=decimal(champion["auc_ppm"]),
        champion=f"{champion['code']} {champion['version']}",
    )
    has_amounts = profit["has_amounts"]
    cell = {
        name: _swap_cell(sets[name], style, t, has_amounts=has_amounts)
        for name, style in (("both", ""), ("only_new", " in"), ("only_old", " out"), ("none", ""))
    }
    grid = (
        f'<span></span><span class="top">{t("champion_accepts")}</span>'
        f'<span class="top">{t("champion_declines")}</span>'
        f'<span class="side">{t("model_accepts")}</span>{cell["both"]}{cell["only_new"]}'
        f'<span class="side">{t("model_declines")}</span>{cell["only_old"]}{cell["none"]}'
    )
    earned = ""
    if has_amounts:
        said = t(
            "profit",
            new=whole(profit["new_minor"]),
            old=whole(profit["old_minor"]),
            margin=percent(profit["margin_ppm"], 0),
            loss=percent(profit["loss_ppm"], 0),
        )
        earned = f'<p class="note">{escape(said)}</p>'
    return (
        f'<div class="card"><h3>{t("swap")}</h3><p class="note">{escape(note)}</p>'
        f'<div class="swap">{grid}</div>{earned}</div>'
    )


def _swap_cell(cell: Document, style: str, t: Words, *, has_amounts: bool) -> str:
    money = f"<br>{t('amount', amount=whole(cell['amount_minor']))}" if has_amounts else ""
    return (
        f'<div class="cell{style}"><b>{t("cases_count", count=whole(cell["cases"]))}</b>'
        f'<span class="note">{t("bad_share", share=percent(cell["bad_ppm"]))}{money}</span></div>'
    )


def _ranks(rows: list[Document], t: Words) -> str:
    if not rows:
        return ""
    columns = (t("segment"), t("cases"), t("bad_rate"), t("auc"), t("ks"))
    body = (
        (
            escape(row["name"]),
            whole(row["cases"]),
            percent(row["bad"] * PPM // row["cases"] if row["cases"] else None),
            decimal(row["auc_ppm"]),
            decimal(row["ks_ppm"]),
        )
        for row in rows
    )
    return table(columns, body, numbers={1, 2, 3, 4})


def _agreements(rows: list[Document], first: str, document: Document, t: Words) -> str:
    low, high = (document["thresholds"]["calibration"][name] for name in ("low", "high"))
    columns = (first, t("cases"), t("predicted"), t("actual"), t("ratio"), t("p_value"))
    body = (
        (
            escape(row["name"]),
            whole(row["cases"]),
            percent(row["predicted_ppm"], 2),
            percent(row["actual_ppm"], 2),
            _flagged(
                decimal(row["ratio_ppm"], 2),
                is_bad=row["ratio_ppm"] is not None and not low <= row["ratio_ppm"] <= high,
            ),
            _p_value(row["p_value_ppm"]),
        )
        for row in rows
    )
    return table(columns, body, numbers={1, 2, 3, 4, 5})


def _periods(document: Document, t: Words) -> str:
    ranks = {row["name"]: row for row in document["rank_order"]["by_period"]}
    fits = {row["name"]: row for row in document["calibration"]["by_period"]}
    moved = {row["name"]: row for row in document["stability"]["by_period"]}
    columns = (t("period_name"), t("cases"), t("auc"), t("ks"), t("ratio"), t("psi"))
    body = (
        (
            escape(name),
            whole(rank["cases"]),
            decimal(rank["auc_ppm"]),
            decimal(rank["ks_ppm"]),
            decimal(fits[name]["ratio_ppm"], 2),
            decimal(moved.get(name, {}).get("score_psi_ppm")),
        )
        for name, rank in ranks.items()
    )
    return table(columns, body, numbers={1, 2, 3, 4, 5})


def _p_value(ppm: int) -> str:
    return decimal(ppm) if ppm >= PPM // 1_000 else "&lt; 0.001"


def _share(ppm: int | None, times: int = 1) -> float | None:
    return None if ppm is None else ppm / PPM * times


def _risk_tick(bars: list[tuple[int, int, int]]) -> Any:
    """Return how risks are written: log odds as decimals, points as they are."""
    is_odds = bool(bars) and max(abs(bar[0]) for bar in bars) > 10_000  # noqa: PLR2004 - points end far below
    scale = PPM if is_odds else 1
    return lambda value: plain_tick(value / scale)
