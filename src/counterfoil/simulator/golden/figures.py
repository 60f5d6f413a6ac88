"""Figures as the engine gives them, and their comparison with those a case asserts.

Only what a case asserts is compared, and all of it: a figure that the engine does not give makes
the case unsupported, one that differs makes it fail. Names, titles and kinds that label a figure
in its source are not figures.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Json
from counterfoil.simulator.golden.inputs import MINOR_PER_MAJOR

#: Keys that label a figure in its source and are no figures themselves.
LABELS = frozenset({"name", "payment_due_at", "calculation_type", "glaccountcode", "glaccounttype"})
#: Keys that say where in the case a figure is looked at.
PLACES = frozenset({"after_events"})
#: Two names of one thing in the case files.
SYNONYMS = {"transaction_type": "type", "transaction_date": "date", "loan_balance": "balance"}
#: In a list of dates: some are left out here.
ELLIPSIS = "..."
DISBURSEMENT = "Disbursement"


@dataclass(frozen=True, slots=True)
class Asked:
    """Figures that answer a question put in the case, such as what is payable on a day."""

    #: The keys that are the question; without any, the question is the key of the figure.
    keys: tuple[str, ...]
    answer: Callable[..., object]


@dataclass(frozen=True, slots=True)
class Compared:
    """One asserted figure beside the engine's."""

    path: str
    expected: Json
    actual: Json

    @property
    def agrees(self) -> bool:
        """Say whether the two are the same figure."""
        return is_same(self.expected, self.actual)


def major(amount_minor: int) -> Decimal:
    """Return an amount in major units with its two decimals."""
    return Decimal(amount_minor) / MINOR_PER_MAJOR


def compare(expected: Json, actual: object, path: str = "") -> Iterator[Compared]:
    """Yield every asserted figure with the engine's."""
    if isinstance(actual, Asked):
        yield from _compare_answers(expected, actual, path)
    elif isinstance(expected, Mapping):
        yield from _compare_objects(expected, actual, path)
    elif isinstance(expected, list):
        yield from _compare_lists(expected, actual, path)
    elif isinstance(actual, Mapping | list):
        raise NotCovered(f"{path} is asserted in another shape than it is given")
    else:
        yield Compared(path, expected, shown(actual))


def asserted(expected: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every figure a case asserts, with its path."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            if key not in LABELS | PLACES:
                yield from asserted(value, _joined(path, key))
    elif isinstance(expected, list):
        for number, one in enumerate(expected):
            yield from asserted(one, f"{path}[{number}]")
    else:
        yield path, expected


def is_same(expected: Json, actual: Json) -> bool:
    """Say whether two scalars are the same figure: numbers by value, texts by letter."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return str(expected).lower() == str(actual).lower()
    if expected is None or actual is None:
        return expected is actual
    try:
        return Decimal(str(expected)) == Decimal(str(actual))
    except InvalidOperation:
        return str(expected) == str(actual)


def shown(actual: object) -> Json:
    """Return a figure of the engine as JSON."""
    if isinstance(actual, Decimal | date):
        return str(actual)
    return actual


def _compare_objects(expected: Json, actual: object, path: str) -> Iterator[Compared]:
    """Compare key by key; an asserted key that is not given is not covered."""
    if not isinstance(actual, Mapping):
        raise NotCovered(f"the figures under {path or 'expected'} are not given")
    for key, value in expected.items():
        if key in LABELS | PLACES:
            continue
        found = key if key in actual else SYNONYMS.get(key, key)
        if found not in actual:
            raise NotCovered(f"the asserted figure {_joined(path, key)} is not given")
        yield from compare(value, actual[found], _joined(path, key))


def _compare_lists(expected: list[Json], actual: object, path: str) -> Iterator[Compared]:
    """Compare element by element; a different length is a difference."""
    if not isinstance(actual, Sequence) or isinstance(actual, str):
        raise NotCovered(f"the list {path} is not given")
    if ELLIPSIS in expected:
        yield from _compare_elided(expected, actual, path)
        return
    chosen = _chosen(expected, actual)
    if len(expected) != len(chosen) or not expected:
        yield Compared(f"{path}.length", len(expected), len(chosen))
    for number, (one, other) in enumerate(zip(expected, chosen, strict=False)):
        yield from compare(one, other, f"{path}[{number}]")


def _compare_elided(
    expected: list[Json], actual: Sequence[object], path: str
) -> Iterator[Compared]:
    """Compare what stands before and after the gap."""
    gap = expected.index(ELLIPSIS)
    before, after = expected[:gap], expected[gap + 1 :]
    yield from compare(before, list(actual[: len(before)]), f"{path}.first")
    yield from compare(after, list(actual[len(actual) - len(after) :]), f"{path}.last")


def _compare_answers(expected: Json, actual: Asked, path: str) -> Iterator[Compared]:
    """Put the questions of the case and compare the answers."""
    if actual.keys:
        several = isinstance(expected, list)
        for number, item in enumerate(expected if several else [expected]):
            yield from _compare_answer(item, actual, f"{path}[{number}]" if several else path)
        return
    if not isinstance(expected, Mapping):
        raise NotCovered(f"{path} does not say what is asked")
    for question, value in expected.items():
        yield from compare(value, actual.answer(question), _joined(path, question))


def _compare_answer(expected: Json, actual: Asked, path: str) -> Iterator[Compared]:
    """Put one question, which stands beside the figures that answer it."""
    if not isinstance(expected, Mapping) or any(key not in expected for key in actual.keys):
        raise NotCovered(f"{path} does not say what is asked")
    question = {key: expected[key] for key in actual.keys}
    figures = {key: value for key, value in expected.items() if key not in actual.keys}
    yield from compare(figures, actual.answer(**question), path)


def _chosen(expected: list[Json], actual: Sequence[object]) -> list[object]:
    """Return the elements the case speaks of: all, or of transactions those it names."""
    items = list(actual)
    if not expected or not all(isinstance(one, Mapping) for one in [*expected, *items]):
        return items
    if _kind(expected[0]) is not None:
        return _chosen_transactions(expected, items)
    if not any("nr" not in one for one in expected):
        return [one for one in items if isinstance(one, Mapping) and "nr" in one]
    return items


def _chosen_transactions(expected: list[Json], items: list[object]) -> list[object]:
    """Return all standing transactions, or the first of the date and kind that each asks for."""
    taken_back = any(str(one.get("reverted")).lower() == "true" for one in expected)
    standing = [
        one for one in items if isinstance(one, Mapping) and (taken_back or not one.get("reverted"))
    ]
    if any(_kind(one) == DISBURSEMENT for one in expected):
        return list(standing)
    chosen: list[object] = []
    for one in expected:
        match = next(
            (
                other
                for other in standing
                if _kind(other) == _kind(one)
                and _on(one) in {None, str(other.get("date"))}
                and not any(other is taken for taken in chosen)
            ),
            None,
        )
        chosen += [match] if match is not None else []
    return chosen


def _kind(item: Mapping[str, object]) -> object:
    """Return the kind of a transaction, None where the item is none."""
    return item.get("transaction_type", item.get("type"))


def _on(item: Mapping[str, object]) -> object:
    """Return the date of a transaction as the case writes it."""
    return item.get("transaction_date", item.get("date"))


def _joined(path: str, key: str) -> str:
    """Return the path of a key."""
    return f"{path}.{key}" if path else str(key)
