"""The pictures of a validation page: figures in, SVG out, colours from the page's own styles.

Units       Shares in ppm go in, percent stands on the axes.
Invariant   No scripts, no fonts, nothing from elsewhere; every text is escaped. Figures that are
            not there draw nothing, and no figure at all gives an empty text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from counterfoil.platform.web.axes import (
    Axis,
    coordinate,
    make_axis,
    plain_tick,
    round_ticks,
)

PPM: Final = 1_000_000
_WIDTH: Final = 520
_HEIGHT: Final = 300
_LEFT: Final = 48
_RIGHT: Final = 22
_TOP: Final = 14
_BOTTOM: Final = 44
#: Bins whose names stand beside each other without touching.
_BINS_NAMED: Final = 8
#: Letters of a category's name that an axis has room for.
_NAME_LENGTH: Final = 9

Tick = Callable[[float], str]
#: A name, a style class and values by place; a gap breaks the line.
Series = tuple[str, str, Sequence[float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Title and axes of one picture."""

    title: str
    x_label: str = ""
    y_label: str = ""


def curves(
    frame: Frame, lines: Sequence[tuple[str, str, Sequence[tuple[int, int]]]], *, diagonal: bool
) -> str:
    """Return curves over shares from 0 to 100 % on both axes."""
    if not any(points for _, _, points in lines):
        return ""
    parts = [_square_grid()]
    if diagonal:
        parts.append(f'<path class="diagonal" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>')
    for name, style, points in lines:
        path = "L".join(f"{_x(x / PPM)} {_y(y / PPM)}" for x, y in points)
        parts.append(f'<path class="line {style}" d="M{path}"><title>{escape(name)}</title></path>')
    parts.append(_legend([(name, style) for name, style, _ in lines]))
    return _figure(frame, parts)


def marked_gap(x_ppm: int, low_ppm: int, high_ppm: int, text: str) -> str:
    """Return an upright mark between two curves, to be laid over them."""
    x, middle = _x(x_ppm / PPM), _y((low_ppm + high_ppm) / 2 / PPM)
    return (
        f'<path class="gap" d="M{x} {_y(low_ppm / PPM)}V{_y(high_ppm / PPM)}"/>'
        f'<text class="mark" x="{coordinate(float(x) + 6)}" y="{middle}">{escape(text)}</text>'
    )


def with_overlay(picture: str, overlay: str) -> str:
    """Return a picture with something drawn over it."""
    return picture.replace("</svg>", f"{overlay}</svg>") if picture else ""


def histogram(
    frame: Frame, bars: Sequence[tuple[int, int, int]], names: tuple[str, str], tick: Tick
) -> str:
    """Return good and bad cases by score, each as shares of their own kind, one behind another."""
    goods, bads = sum(bar[1] for bar in bars), sum(bar[2] for bar in bars)
    if goods == 0 or bads == 0:
        return ""
    shares = [(good / goods * 100, bad / bads * 100) for _, good, bad in bars]
    axis = make_axis([share for pair in shares for share in pair])
    room = (_WIDTH - _LEFT - _RIGHT) / len(bars)
    parts = [_grid(axis, lambda value: f"{plain_tick(value)}%")]
    base = axis.y(0, _TOP, _HEIGHT - _BOTTOM)
    for kind, style in ((0, "good"), (1, "bad")):
        path = f"M{_LEFT} {base}"
        for number, pair in enumerate(shares):
            x = coordinate(_LEFT + room * number)
            path += f"L{x} {axis.y(pair[kind], _TOP, _HEIGHT - _BOTTOM)}h{coordinate(room)}"
        parts.append(f'<path class="area {style}" d="{path}V{base}Z"/>')
    low, wide = bars[0][0], bars[-1][0] - bars[0][0]
    steps = max(1, len(bars) - 1)
    for value in round_ticks(low, low + wide):
        # A bar begins at its lowest score.
        place = (value - low) * steps / wide if wide else 0
        parts.append(_below(coordinate(_LEFT + room * place), tick(value)))
    parts.append(_legend([(names[0], "good"), (names[1], "bad")]))
    return _figure(frame, parts)


def trend(
    frame: Frame,
    names: Sequence[str],
    series: Sequence[Series],
    *,
    tick: Tick,
    limits: Sequence[tuple[float, str]] = (),
    floor: float | None = None,
) -> str:
    """Return lines over periods, with thresholds across; `floor` lifts the axis off zero."""
    values = [value for _, _, points in series for value in points if value is not None]
    if not values or len(names) < 2:  # noqa: PLR2004 - one point is no line
        return ""
    shown = [*values, *(value for value, _ in limits)]
    axis = make_axis(shown) if floor is None else _lifted(shown, floor)
    parts = [_grid(axis, tick)]
    for value, style in limits:
        y = axis.y(value, _TOP, _HEIGHT - _BOTTOM)
        parts.append(f'<path class="limit {style}" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>')
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    places = [_LEFT + step * (number + 0.5) for number in range(len(names))]
    parts += [
        _trend_line(name, style, points, axis, places, names, tick)
        for name, style, points in series
    ]
    stride = max(1, -(-len(names) // 8))
    for number in range(0, len(names), stride):
        parts.append(_below(coordinate(places[number]), names[number]))
    if len(series) > 1:
        parts.append(_legend([(name, style) for name, style, _ in series]))
    return _figure(frame, parts)


def _trend_line(
    name: str,
    style: str,
    points: Sequence[float | None],
    axis: Axis,
    places: Sequence[float],
    names: Sequence[str],
    tick: Tick,
) -> str:
    path, dots, pen = "", "", "M"
    for number, value in enumerate(points):
        if value is None:
            pen = "M"
            continue
        x, y = coordinate(places[number]), axis.y(value, _TOP, _HEIGHT - _BOTTOM)
        path += f"{pen}{x} {y}"
        said = escape(f"{names[number]} · {name} {tick(value)}")
        dots += f'<circle class="{style}" cx="{x}" cy="{y}" r="3.5"><title>{said}</title></circle>'
        pen = "L"
    return f'<path class="line {style}" d="{path}"/>{dots}'


def pairs(
    frame: Frame, rows: Sequence[tuple[str, float, float, int]], names: tuple[str, str]
) -> str:
    """Return predicted against actual by grade, in percent, the dot as large as the grade."""
    if not rows:
        return ""
    axis = make_axis([value for _, low, high, _ in rows for value in (low, high)])
    most = max(count for *_, count in rows) or 1
    room = (_WIDTH - _LEFT - _RIGHT) / len(rows)
    parts = [_grid(axis, lambda value: f"{plain_tick(value)}%")]
    for number, (name, predicted, actual, count) in enumerate(rows):
        x = coordinate(_LEFT + room * (number + 0.5))
        wide = coordinate(min(room * 0.6, 54))
        left = coordinate(float(x) - float(wide) / 2)
        top = axis.y(actual, _TOP, _HEIGHT - _BOTTOM)
        height = coordinate(float(axis.y(0, _TOP, _HEIGHT - _BOTTOM)) - float(top))
        pale = f"{0.3 + 0.55 * count / most:.2f}"
        said = escape(
            f"{name} · {names[0]} {predicted:.1f}% · {names[1]} {actual:.1f}% · {count:,}"
        )
        y = axis.y(predicted, _TOP, _HEIGHT - _BOTTOM)
        parts.append(
            f'<g><title>{said}</title><rect class="actual" x="{left}" y="{top}" width="{wide}"'
            f' height="{height}" rx="3" opacity="{pale}"/>'
            f'<path class="predicted" d="M{coordinate(float(left) - 4)} {y}'
            f'h{coordinate(float(wide) + 8)}"/></g>{_below(x, name)}'
        )
    parts.append(_legend([(names[0], "predicted"), (names[1], "actual")]))
    return _figure(frame, parts)


def contributions(
    frame: Frame, cells: Sequence[Mapping[str, object]], *, sign: int, unknown: str, tick: Tick
) -> str:
    """Return what each bin of a feature adds to the risk, and beneath how many cases lie there."""
    rows = [cell for cell in cells if isinstance(cell["amount"], int)]
    if not rows:
        return ""
    amounts = [float(sign * int(str(cell["amount"]))) for cell in rows]
    counts = [int(str(cell["cases"])) for cell in rows]
    axis, most = make_axis(amounts), max(1, *counts)
    room = (_WIDTH - _LEFT - _RIGHT) / len(rows)
    wide, bottom = min(40.0, room * 0.74), _HEIGHT - _BOTTOM - 34
    parts = [_grid(axis, tick, bottom=bottom)]
    zero = float(axis.y(0, _TOP, bottom))
    stride = 1 + (len(rows) - 1) // _BINS_NAMED
    for number, (cell, amount, count) in enumerate(zip(rows, amounts, counts, strict=True)):
        x = _LEFT + room * (number + 0.5)
        y = float(axis.y(amount, _TOP, bottom))
        style = "bad" if amount > 0 else "good"
        label = str(cell["bin"]) or unknown
        deep = 24 * count / most
        said = escape(f"{label} · {tick(amount)} · {count:,}")
        parts.append(
            f'<g><title>{said}</title><rect class="bar {style}" x="{coordinate(x - wide / 2)}"'
            f' y="{coordinate(min(y, zero))}" width="{coordinate(wide)}"'
            f' height="{coordinate(max(1.0, abs(y - zero)))}" rx="2"/>'
            f'<rect class="cases" x="{coordinate(x - wide / 2)}" width="{coordinate(wide)}"'
            f' y="{coordinate(bottom + 6)}" height="{coordinate(max(0.6, deep))}" rx="1"/></g>'
        )
        # Of many bins some are named, and always the last, which may be that of unknown values.
        if (number % stride == 0 and number + stride <= len(rows)) or number == len(rows) - 1:
            parts.append(_below(coordinate(x), _short(label)))
    return _figure(frame, parts)


def _short(label: str) -> str:
    """Return a bin's name as an axis bears it: of an interval the lower end, thousands as k."""
    lower = label.split(" … ", maxsplit=1)[0]
    sign, _, digits = lower.rpartition(" ")
    try:
        number = int(digits.replace(",", ""))
    except ValueError:
        return lower if len(lower) <= _NAME_LENGTH else lower[: _NAME_LENGTH - 1] + "…"
    return f"{sign} {_compact(number)}".strip()


def _compact(number: int) -> str:
    for least, unit, name in ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "k")):
        if abs(number) >= least:
            return f"{number / unit:.3g}{name}"
    return str(number)


def _square_grid() -> str:
    parts = []
    for step in range(0, 101, 25):
        place = step / 100
        parts.append(
            f'<path class="grid" d="M{_x(place)} {_y(0)}V{_y(1)}M{_x(0)} {_y(place)}H{_x(1)}"/>'
            f'<text class="tick end" x="{_LEFT - 7}"'
            f' y="{coordinate(float(_y(place)) + 4)}">{step}%</text>'
        )
        parts.append(_below(_x(place), f"{step}%"))
    return "".join(parts)


def _grid(axis: Axis, tick: Tick, *, bottom: float = _HEIGHT - _BOTTOM) -> str:
    parts = []
    for value in axis.ticks:
        y = axis.y(value, _TOP, bottom)
        kind = "zero" if value == 0 else "grid"
        parts.append(
            f'<path class="{kind}" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/><text class="tick end"'
            f' x="{_LEFT - 7}" y="{coordinate(float(y) + 4)}">{escape(tick(value))}</text>'
        )
    return "".join(parts)


def _lifted(values: Sequence[float], floor: float) -> Axis:
    """Return an axis that begins at a floor instead of zero."""
    above = make_axis([value - floor for value in values])
    return Axis(ticks=tuple(value + floor for value in above.ticks))


def _below(x: str, text: str) -> str:
    return f'<text class="tick mid" x="{x}" y="{_HEIGHT - _BOTTOM + 17}">{escape(text)}</text>'


def _legend(names: Sequence[tuple[str, str]]) -> str:
    """Return the names of the series in a row above the plot, from the right."""
    parts, x = [], _WIDTH - _RIGHT
    for name, style in reversed(names):
        x -= _text_width(name)
        parts.append(
            f'<text class="name" x="{x}" y="-6">{escape(name)}</text>'
            f'<rect class="key {style}" x="{x - 15}" y="-14" width="10" height="10" rx="2"/>'
        )
        x -= 30
    return "".join(parts)


def _text_width(text: str) -> int:
    """Return about how wide a name is, in units of the picture."""
    return sum(12 if ord(letter) > 0x2E7F else 7 for letter in text)  # noqa: PLR2004 - CJK begins


def _x(share: float) -> str:
    return coordinate(_LEFT + (_WIDTH - _LEFT - _RIGHT) * share)


def _y(share: float) -> str:
    return coordinate(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share)


def _figure(frame: Frame, parts: Sequence[str]) -> str:
    middle = coordinate((_LEFT + _WIDTH - _RIGHT) / 2)
    axes = f'<text class="tick mid" x="{middle}" y="{_HEIGHT - 6}">{escape(frame.x_label)}</text>'
    if frame.y_label:
        axes += f'<text class="tick" x="0" y="-6">{escape(frame.y_label)}</text>'
    title = escape(frame.title)
    return (
        f'<svg class="chart" viewBox="0 -22 {_WIDTH} {_HEIGHT + 22}" role="img"'
        f' aria-label="{title}"><title>{title}</title>{axes}{"".join(parts)}</svg>'
    )
