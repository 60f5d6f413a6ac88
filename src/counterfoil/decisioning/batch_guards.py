"""What held production back, in a back-test: guards of the version, and of single cases.

Columns     `guards_tripped`, `guards_snoozed` and `guards_stopped` name codes with commas between,
            as the stored inputs of decisions do; absent or empty they hold nothing back. Guards
            that are given for a whole run stand beside those of a case.
Method      Cases with equal guards are decided together: there are few kinds of them, for caps and
            stops are the version's, and snoozes are rare. More than `KINDS_MAX` are refused.
Stopped     An approval of a stopped segment goes to a person with limit and reasons as they are,
            as after the reference (`honouring.py`).
"""

from collections.abc import Callable
from functools import reduce
from operator import and_
from typing import Final

import polars as pl

from counterfoil.decisioning.batch_frame import UnfitDataError
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards

COLUMNS: Final = ("guards_tripped", "guards_snoozed", "guards_stopped")
#: Kinds of guards in one file; each is a plan of its own.
KINDS_MAX: Final = 200

_Kind = tuple[str, ...]


def guarded(
    frame: pl.LazyFrame, guards: Guards, decide: Callable[[pl.LazyFrame, Guards], pl.LazyFrame]
) -> pl.LazyFrame:
    """Return cases as `decide` decides them under their guards, kind by kind."""
    names = [name for name in COLUMNS if name in frame.collect_schema().names()]
    if not names:
        return decide(frame, guards)
    columns = [pl.col(name).cast(pl.String).fill_null("") for name in names]
    found = frame.select(columns).unique().head(KINDS_MAX + 1).collect(engine="streaming")
    if len(found) > KINDS_MAX:
        raise UnfitDataError(f"{', '.join(names)}: hold more than {KINDS_MAX} kinds of guards")
    # A guard may leave a bound out, and its name out of the words of a column.
    shape = decide(frame, NO_GUARDS).collect_schema()
    words = [name for name, kind in shape.items() if isinstance(kind, pl.Enum)]
    parts = []
    for kind in sorted(found.rows()):
        tests = [column == code for column, code in zip(columns, kind, strict=True)]
        own = _guards_of(dict(zip(names, kind, strict=True)))
        part = decide(frame.filter(reduce(and_, tests)), _both(guards, own))
        same = [pl.col(name).cast(pl.String).cast(shape[name]) for name in words]
        parts.append(part.with_columns(same))
    return pl.concat(parts) if parts else decide(frame, guards)


def stopped(answers: pl.LazyFrame, guards: Guards, *, prefix: str = "") -> pl.LazyFrame:
    """Return answers in which approvals of stopped segments went to a person."""
    if not guards.stopped:
        return answers
    outcome, segment = pl.col(f"{prefix}outcome"), pl.col(f"{prefix}segment").cast(pl.String)
    kind = answers.collect_schema()[f"{prefix}outcome"]
    held = pl.lit(value=True) if guards.stop("") else segment.is_in(sorted(guards.stopped))
    referred = pl.lit(Outcome.REFERRED.value).cast(kind)
    is_approved = outcome.cast(pl.String) == Outcome.APPROVED.value
    return answers.with_columns(
        pl.when(is_approved & held).then(referred).otherwise(outcome).alias(f"{prefix}outcome")
    )


def _guards_of(kind: dict[str, str]) -> Guards:
    codes = {
        name: frozenset(code for code in text.split(",") if code) for name, text in kind.items()
    }
    return Guards(
        tripped=codes.get("guards_tripped", frozenset()),
        snoozed=codes.get("guards_snoozed", frozenset()),
        stopped=codes.get("guards_stopped", frozenset()),
    )


def _both(one: Guards, two: Guards) -> Guards:
    return Guards(
        tripped=one.tripped | two.tripped,
        snoozed=one.snoozed | two.snoozed,
        stopped=one.stopped | two.stopped,
    )
