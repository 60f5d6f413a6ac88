"""The pieces that sections of a validation page are put together from."""

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Final

from counterfoil.models.report_words import NOTHING, decimal, percent

#: Alarms whose figure is a ratio or an index; the others are shares.
_DECIMALS: Final = frozenset(
    {
        *("auc_drop", "auc_high", "score_psi", "feature_csi", "calibration", "calibration_month"),
        *("impact_ratio", "group_calibration"),
    }
)


def tile(name: str, value: str, note: str) -> str:
    """Return one large figure."""
    return (
        f'<div class="tile"><dt>{escape(name)}</dt>'
        f"<dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
    )


def figure_of(code: str, ppm: int | None) -> str:
    """Return the figure of an alarm as its kind is written."""
    if ppm is None:
        return NOTHING
    return decimal(ppm) if code in _DECIMALS else percent(ppm, 2)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    wraps: Collection[int] = (),
) -> str:
    """Return a table; the cells are HTML already.

    `numbers` are the columns aligned at the end, `wraps` those whose text may break.
    """
    head = "".join(
        f"<th{_class(place in numbers)}>{escape(name)}</th>" for place, name in enumerate(columns)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(place in numbers, wraps=place in wraps)}>{cell}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def chart_card(title: str, note: str, picture: str, more: str = "") -> str:
    """Return a picture with its title, or nothing where there is no picture."""
    if not picture and not more:
        return ""
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<div class="card"><h3>{escape(title)}</h3>{said}{picture}{more}</div>'


def side_by_side(*cards: str) -> str:
    """Return cards beside each other where there is room."""
    shown = [card for card in cards if card]
    return f'<div class="pair">{"".join(shown)}</div>' if shown else ""


def _class(is_number: bool, *, wraps: bool = False) -> str:  # noqa: FBT001 - said by its place
    if wraps:
        return ' class="wrap"'
    return ' class="num"' if is_number else ""
