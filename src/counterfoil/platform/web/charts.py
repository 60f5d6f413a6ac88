"""Charts as pure functions: figures in, SVG out.

Invariant   Colours, sizes of text and strokes come from classes of the style sheet, so charts
            follow the theme; nothing is drawn that the policy forbids (no style attributes).
            None, one point, all zeros, gaps, negative and huge figures all give a chart.
Axes        Start at zero for amounts and rates, and go below it only for negative figures.
Follows     WAI-ARIA Graphics: one image with a title and a description; its table stands beneath.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

from counterfoil.platform.web.axes import Axis, coordinate, make_axis, plain_tick

Point = float | None
Tick = Callable[[float], str]

_WIDTH: Final = 560
_HEIGHT: Final = 260
_LEFT: Final = 52
_RIGHT: Final = 78
_TOP: Final = 14
_BOTTOM: Final = 40
_LEGEND: Final = 26
_SERIES_CLASSES: Final = 6
_HEAT_STEPS: Final = 8
_SPARK_WIDTH: Final = 56
_SPARK_HEIGHT: Final = 18
#: Light squares around a code, of the size of its own.
_QR_QUIET: Final = 4
_LABEL_WIDTH: Final = 50
_LABEL_HEIGHT: Final = 12


def line_chart(
    name: str,
    series: Mapping[str, Sequence[Point]],
    *,
    title: str,
    description: str,
    x_label: str,
    unit: str = "%",
    x_names: Sequence[str] | None = None,
    tick: Tick = plain_tick,
) -> Markup:
    """Return lines over a common axis, each with its name at its end; a gap breaks the line."""
    length = max((len(points) for points in series.values()), default=0)
    values = [value for points in series.values() for value in points if value is not None]
    axis = make_axis(values)
    names = x_names if x_names is not None else [str(i) for i in range(length)]
    parts = [_grid(axis, unit, tick), _x_names(names, x_label)]
    ends = {label: _end(points, axis=axis, length=length) for label, points in series.items()}
    heights = _apart({label: end for label, end in ends.items() if end})
    last = len(series) - 1
    for number, (label, points) in enumerate(series.items()):
        end = ends[label]
        if end is None:
            continue
        # The newest series comes last and takes the strongest colour.
        shade = _SERIES_CLASSES - 1 - min(last - number, _SERIES_CLASSES - 1)
        parts.append(_line(points, axis=axis, length=length, shade=shade))
        parts.append(_end_mark(label, end, heights[label], shade=shade))
    return _figure(name, title, description, _WIDTH, _HEIGHT, parts)


def steps(
    name: str,
    points: Sequence[tuple[str, Point]],
    *,
    title: str,
    description: str,
    x_label: str,
    unit: str = "",
    tick: Tick = plain_tick,
) -> Markup:
    """Return one figure over time that keeps its value until it changes, such as a limit."""
    axis = make_axis([value for _, value in points if value is not None])
    parts = [_grid(axis, unit, tick), _x_names([label for label, _ in points], x_label)]
    path, pen_up = [], True
    for index, (_, value) in enumerate(points):
        if value is None:
            pen_up = True
            continue
        x, y = _x(index, len(points)), axis.y(value, _TOP, _HEIGHT - _BOTTOM)
        path.append(f"M{x} {y}" if pen_up else f"H{x}V{y}")
        pen_up = False
    if path:
        parts.append(_draw('<path class="line s5" d="{}"/>', "".join(path)))
    return _figure(name, title, description, _WIDTH, _HEIGHT, parts)


def bars(
    name: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Point]],
    *,
    title: str,
    description: str,
    x_label: str,
    unit: str = "",
    tick: Tick = plain_tick,
    hrefs: Sequence[str | None] | None = None,
) -> Markup:
    """Return upright bars, one group per label; negative figures hang from the zero line."""
    values = [value for points in series.values() for value in points if value is not None]
    axis = make_axis(values)
    parts = [_grid(axis, unit, tick), _x_names(labels, x_label, centred=True)]
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    width = min(36.0, room * 0.72 / max(1, len(series)))
    for number, (label, points) in enumerate(series.items()):
        for index, value in enumerate(points):
            if value is None:
                continue
            x = _LEFT + room * (index + 0.5) + width * (number - len(series) / 2)
            mark = _bar(x, value, axis=axis, width=width, shade=number)
            hover = f"{labels[index]} · {label} {tick(value)}{unit}"
            href = hrefs[index] if hrefs else None
            parts.append(_mark(mark, hover, href))
    parts.append(_legend(tuple(series)))
    return _figure(name, title, description, _WIDTH, _HEIGHT, parts, head=_LEGEND)


def waterfall(
    name: str,
    items: Sequence[tuple[str, float]],
    *,
    title: str,
    description: str,
    total_label: str,
    unit: str = "",
    tick: Tick = plain_tick,
) -> Markup:
    """Return a bridge: what each item adds or takes, and what is left at the end."""
    levels, level = [0.0], 0.0
    for _, change in items:
        level += change
        levels.append(level)
    axis = make_axis(levels)
    labels = [label for label, _ in items] + [total_label]
    parts = [_grid(axis, unit, tick), _x_names(labels, "", centred=True)]
    room = (_WIDTH - _LEFT - _RIGHT) / len(labels)
    width = min(44.0, room * 0.66)
    for index, (label, change) in enumerate(items):
        mark = _block(
            _LEFT + room * (index + 0.5) - width / 2,
            (levels[index], levels[index + 1]),
            axis=axis,
            width=width,
            kind="down" if change < 0 else "up",
        )
        parts.append(_mark(mark, f"{label} {tick(change)}{unit}", None))
    x = _LEFT + room * (len(items) + 0.5) - width / 2
    mark = _block(x, (0.0, level), axis=axis, width=width, kind="total")
    parts.append(_mark(mark, f"{total_label} {tick(level)}{unit}", None))
    return _figure(name, title, description, _WIDTH, _HEIGHT, parts)


def heat_map(
    name: str,
    labels: Sequence[str],
    rows: Sequence[Sequence[Point]],
    *,
    title: str,
    description: str,
    x_label: str,
    y_label: str,
    unit: str = "",
    row_labels: Sequence[str] | None = None,
) -> Markup:
    """Return cells in percent; the rows have the columns' labels unless they have their own."""
    left, top, width, height = 104, 48, 92, 52
    names = labels if row_labels is None else row_labels
    parts = []
    middle = left + width * len(labels) / 2
    parts.append(_draw('<text class="name mid" x="{}" y="16">{}</text>', middle, x_label))
    for column, label in enumerate(labels):
        x = left + width * (column + 0.5)
        parts.append(_draw('<text class="name mid" x="{}" y="38">{}</text>', x, label))
    for line, (label, row) in enumerate(zip(names, rows, strict=True)):
        y = top + height * (line + 0.5) + 4
        parts.append(_draw('<text class="name end" x="{}" y="{}">{}</text>', left - 10, y, label))
        for column, value in enumerate(row):
            parts.append(_cell(left + width * column, top + height * line, value, unit))
    bottom = top + height * len(rows)
    parts.append(
        _draw(
            '<text class="name mid" transform="translate(16 {}) rotate(-90)">{}</text>',
            coordinate((top + bottom) / 2),
            y_label,
        )
    )
    total_width = left + width * len(labels) + 4
    return _figure(name, title, description, total_width, bottom + 8, parts)


def funnel(
    name: str,
    stages: Sequence[tuple[str, int, str | None]],
    *,
    title: str,
    description: str,
) -> Markup:
    """Return stages as lying bars: label, count and the share of the first stage."""
    top, height, left, width = 6, 34, 140, 270
    first = max((count for _, count, _ in stages), default=0)
    parts = []
    for number, (label, count, href) in enumerate(stages):
        y = top + height * number
        share = count / first if first else 0.0
        shown = coordinate(max(0.0, share) * width)
        mark = _draw(
            '<text class="name end" x="{}" y="{}">{}</text>'
            '<rect class="b0" x="{}" y="{}" width="{}" height="20" rx="2"/>'
            '<text class="value" x="{}" y="{}">{} · {}%</text>',
            left - 10, y + 15, label, left, y, shown,
            coordinate(left + float(shown) + 8), y + 15, f"{count:,}", f"{share * 100:.1f}",
        )  # fmt: skip
        parts.append(_mark(mark, f"{label} {count:,}", href))
    return _figure(name, title, description, _WIDTH, top + height * max(1, len(stages)), parts)


def spark(points: Sequence[Point]) -> Markup:
    """Return a small line without axes; it decorates a figure that is written beside it."""
    present = [value for value in points if value is not None]
    if not present:
        return Markup("")
    low, high = min(present), max(present)
    span = (high - low) or 1.0
    step = (_SPARK_WIDTH - 4) / max(1, len(points) - 1)
    path, pen_up = [], True
    for index, value in enumerate(points):
        if value is None:
            pen_up = True
            continue
        level = (value - low) / span if high > low else 0.5
        x = coordinate(2 + step * index)
        y = coordinate(_SPARK_HEIGHT - 3 - level * (_SPARK_HEIGHT - 6))
        path.append(f"{'M' if pen_up else 'L'}{x} {y}")
        pen_up = False
    if len(present) == 1:
        path.append("h0.01")
    return _draw(
        '<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true"><path d="{}"/></svg>',
        _SPARK_WIDTH,
        _SPARK_HEIGHT,
        "".join(path),
    )


def qr_code(name: str, rows: Sequence[Sequence[int]], *, title: str, description: str) -> Markup:
    """Return a code of dark and light squares with the quiet zone that scanners ask for.

    One path of horizontal strokes: dark squares side by side are one stroke.
    """
    path = []
    for y, row in enumerate(rows):
        path.append(f"M{_QR_QUIET} {_QR_QUIET + y}.5")
        path.extend(
            f"h{length}" if is_dark else f"m{length} 0"
            for is_dark, length in ((dark, len(list(run))) for dark, run in groupby(row))
        )
    return _draw(
        '<svg class="qr" viewBox="0 0 {w} {w}" role="img" shape-rendering="crispEdges"'
        ' aria-labelledby="{n}-t {n}-d"><title id="{n}-t">{title}</title>'
        '<desc id="{n}-d">{description}</desc><path d="{path}"/></svg>',
        w=len(rows) + 2 * _QR_QUIET,
        n=name,
        title=title,
        description=description,
        path="".join(path),
    )


def _draw(template: str, *values: object, **named: object) -> Markup:
    """Return a piece of a picture with every value escaped, unless it is a piece itself.

    The same as `Markup.format`, which takes five times as long over the hundreds of small pieces.
    """
    safe = {name: escape(value) for name, value in named.items()}
    return Markup(template.format(*map(escape, values), **safe))  # noqa: S704 - escaped above


def _figure(
    name: str,
    title: str,
    description: str,
    width: float,
    height: float,
    parts: Sequence[Markup],
    *,
    head: float = 0,
) -> Markup:
    """Return the picture; `head` is room above the plot, for a legend."""
    return _draw(
        '<svg class="chart" viewBox="0 {top} {w} {h}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{description}</desc>{body}</svg>',
        top=coordinate(-head),
        w=coordinate(width),
        h=coordinate(height + head),
        n=name,
        title=title,
        description=description,
        body=Markup("").join(parts),
    )


def _grid(axis: Axis, unit: str, tick: Tick) -> Markup:
    right = _WIDTH - _RIGHT
    parts = []
    for value in axis.ticks:
        y = axis.y(value, _TOP, _HEIGHT - _BOTTOM)
        kind = "zero" if value == 0 else "grid"
        parts.append(
            _draw(
                '<path class="{}" d="M{} {}H{}"/><text class="tick end" x="{}" y="{}">{}</text>',
                kind,
                _LEFT,
                y,
                right,
                _LEFT - 6,
                coordinate(float(y) + 4),
                f"{tick(value)}{unit}",
            )
        )
    return Markup("").join(parts)


def _x_names(names: Sequence[str], x_label: str, *, centred: bool = False) -> Markup:
    parts = []
    stride = max(1, -(-len(names) // 8))
    for index in range(0, len(names), stride):
        x = _x(index, len(names), centred=centred)
        # Every second name goes where the chart is narrow.
        thin = " thin" if index // stride % 2 else ""
        parts.append(
            _draw(
                '<text class="tick mid{}" x="{}" y="{}">{}</text>',
                thin,
                x,
                _HEIGHT - _BOTTOM + 16,
                names[index],
            )
        )
    middle = coordinate((_LEFT + _WIDTH - _RIGHT) / 2)
    parts.append(
        _draw('<text class="tick mid" x="{}" y="{}">{}</text>', middle, _HEIGHT - 6, x_label)
    )
    return Markup("").join(parts)


def _x(index: int, length: int, *, centred: bool = False) -> str:
    room = _WIDTH - _LEFT - _RIGHT
    if centred:
        return coordinate(_LEFT + room * (index + 0.5) / max(1, length))
    return coordinate(_LEFT + room * index / max(1, length - 1))


def _line(points: Sequence[Point], *, axis: Axis, length: int, shade: int) -> Markup:
    path, pen_up = [], True
    for index, value in enumerate(points):
        if value is None:
            pen_up = True
            continue
        x, y = _x(index, length), axis.y(value, _TOP, _HEIGHT - _BOTTOM)
        path.append(f"{'M' if pen_up else 'L'}{x} {y}")
        pen_up = False
    return _draw('<path class="line s{}" d="{}"/>', shade, "".join(path))


def _end(points: Sequence[Point], *, axis: Axis, length: int) -> tuple[float, float] | None:
    """Return where a line ends, None for one without figures."""
    for index in range(len(points) - 1, -1, -1):
        value = points[index]
        if value is not None:
            return float(_x(index, length)), float(axis.y(value, _TOP, _HEIGHT - _BOTTOM))
    return None


def _end_mark(label: str, end: tuple[float, float], height: float, *, shade: int) -> Markup:
    x, y = end
    return _draw(
        '<g class="s{}"><circle cx="{}" cy="{}" r="3"/>'
        '<text class="series" x="{}" y="{}">{}</text></g>',
        shade,
        coordinate(x),
        coordinate(y),
        coordinate(x + 7),
        coordinate(height),
        label,
    )


def _apart(ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the heights of the labels, moved apart where lines end close to each other."""
    heights: dict[str, float] = {}
    taken: list[tuple[float, float]] = []
    # From the lowest up, so that a crowd at zero grows upwards and not into the axis; of equals
    # the last series comes lowest, so that the labels read from top to bottom.
    place = {label: number for number, label in enumerate(ends)}
    lowest_first = sorted(ends.items(), key=lambda item: (-item[1][1], -place[item[0]]))
    for label, (x, y) in lowest_first:
        height = y + 4
        for other_x, other in taken:
            if abs(other_x - x) < _LABEL_WIDTH and height > other - _LABEL_HEIGHT:
                height = other - _LABEL_HEIGHT
        taken.append((x, height))
        heights[label] = height
    return heights


def _bar(x: float, value: float, *, axis: Axis, width: float, shade: int) -> Markup:
    return _block(x, (0.0, value), axis=axis, width=width, kind=f"b{min(shade, 2)}")


def _block(x: float, ends: tuple[float, float], *, axis: Axis, width: float, kind: str) -> Markup:
    top = float(axis.y(max(ends), _TOP, _HEIGHT - _BOTTOM))
    bottom = float(axis.y(min(ends), _TOP, _HEIGHT - _BOTTOM))
    return _draw(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>',
        kind,
        coordinate(x),
        coordinate(top),
        coordinate(width),
        coordinate(bottom - top),
    )


def _mark(mark: Markup, hover: str, href: str | None) -> Markup:
    if href:
        return _draw('<a href="{}"><title>{}</title>{}</a>', href, hover, mark)
    return _draw("<g><title>{}</title>{}</g>", hover, mark)


def _legend(labels: Sequence[str]) -> Markup:
    parts, x = [], float(_LEFT)
    for number, label in enumerate(labels):
        parts.append(
            _draw(
                '<rect class="b{}" x="{}" y="-18" width="10" height="10" rx="2"/>'
                '<text class="series" x="{}" y="-9">{}</text>',
                min(number, 2),
                coordinate(x),
                coordinate(x + 15),
                label,
            )
        )
        # Room for the label in the larger type of narrow screens; Han glyphs are twice as wide.
        x += 45 + sum(10 if letter.isascii() else 18 for letter in label)
    return Markup("").join(parts)


def _cell(x: float, y: float, value: Point, unit: str) -> Markup:
    if value is None:
        return _draw('<text class="name mid" x="{}" y="{}">—</text>', x + 45, y + 30)
    step = min(_HEAT_STEPS - 1, int(max(0.0, min(value, 100.0)) / 100 * _HEAT_STEPS))
    return _draw(
        '<g class="h{}"><rect x="{}" y="{}" width="90" height="50" rx="2"/>'
        '<text class="mid" x="{}" y="{}">{}</text></g>',
        step,
        x,
        y,
        x + 45,
        y + 30,
        f"{value:.1f}{unit}".replace("-", "−"),
    )
