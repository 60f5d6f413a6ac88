"""The points of a card as generated text: one cell for each bin, found by comparisons.

Cells       Points, a key that ranks what the bin holds the score down by, and the contribution;
            objects made once, at compilation.
"""

from collections.abc import Mapping

from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.python_reasons import key_of
from counterfoil.decisioning.python_text import Lines
from counterfoil.decisioning.scorecard import Characteristic, Contribution, Scorecard

#: Up to so many edges a bin is found by comparisons written out, beyond it by bisection.
_EDGES_WRITTEN_MAX = 24


def write_card(
    out: Lines, card: Scorecard, local: Mapping[str, str], *, when_unscored: str
) -> None:
    """Write points, contributions and what each holds the score down by.

    `local` names the local of each value, `when_unscored` is what becomes of a case without score.
    """
    items = card.characteristics
    for number, item in enumerate(items):
        out.add(f"p{number}, k{number}, c{number} = {_cell(out, local, number, item)}")
    _write_needed(out, card, when_unscored)
    places = range(len(items))
    points = " + ".join(f"p{number}" for number in places)
    out.add(f"points = {card.base_points} + {points}")
    out.add(f"contributions = ({', '.join(f'c{number}' for number in places)},)")


def _write_needed(out: Lines, card: Scorecard, when_unscored: str) -> None:
    """Leave a case whose score is not known."""
    needed = [
        f"p{number} is None"
        for number, item in enumerate(card.characteristics)
        if item.points_unknown is None
    ]
    if needed:
        out.add(f"if {' or '.join(needed)}:")
        out.add(f"    {when_unscored}")


def _cell(out: Lines, local: Mapping[str, str], number: int, item: Characteristic) -> str:
    hold, name = out.hold, local[item.feature]
    unknown = hold("cell", _cell_of(item, number, None))
    if item.categories:
        by_text = {text: _cell_of(item, number, bin_no) for text, bin_no in item.categories.items()}
        other = hold("cell", _cell_of(item, number, 0))
        known = f"{hold('cells', by_text)}.get({name}, {other})"
        return f"{unknown} if {name} is None else {known}"
    bins = [_cell_of(item, number, bin_no) for bin_no in range(len(item.points))]
    if len(item.edges) > _EDGES_WRITTEN_MAX:
        edges, cells = hold("edges", item.edges), hold("cells", tuple(bins))
        return f"{unknown} if {name} is None else {cells}[bisect({edges}, {name})]"
    names = [hold("cell", cell) for cell in bins]
    return f"{unknown} if {name} is None else {_tree(name, item.edges, names)}"


def _tree(name: str, edges: tuple[int, ...], cells: list[str]) -> str:
    """Return the search for a bin as comparisons, halves first."""
    if not edges:
        return cells[0]
    middle = len(edges) // 2
    below = _tree(name, edges[:middle], cells[: middle + 1])
    above = _tree(name, edges[middle + 1 :], cells[middle + 1 :])
    return f"({below} if {name} < {edges[middle]} else {above})"


def levels(policy: Policy) -> dict[str, object]:
    """Return the steps of a model's calibration, each with its probability and its grade."""
    model = policy.scorecard.model
    if model is None:
        return {}
    firsts = (model.edges[0] - 1 if model.edges else 0, *model.edges)
    grades = [policy.grades.index(policy.grade_of(score)) for score in firsts]
    return {"LEVELS": model.edges, "PD_OF_LEVEL": model.pd_ppm, "GRADE_OF_LEVEL": tuple(grades)}


def _cell_of(
    item: Characteristic, position: int, bin_no: int | None
) -> tuple[int | None, int, Contribution]:
    """Return points, key and contribution of a bin; keys below 0 rank losses, greatest first."""
    points = item.points_of(bin_no)
    loss = 0 if points is None else item.loss(points)
    return (
        points,
        key_of(loss, position, is_unknown=bin_no is None),
        Contribution(item.feature, bin_no, points),
    )
