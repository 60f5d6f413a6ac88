"""What a policy's document says of itself: tests of its rules, tolerances, and dates."""

from datetime import date, datetime
from typing import Any

from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.policy_parts import RuleTest, Tolerances
from counterfoil.decisioning.reading import InvalidPolicyError, Table

_MILLION = 1_000_000


def with_texts(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose dates are texts, as its canonical form has them."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: told(item) for key, item in value.items()}
        if isinstance(value, list):
            return [told(item) for item in value]
        is_date = isinstance(value, date) and not isinstance(value, datetime)
        return value.isoformat() if is_date else value

    found: dict[str, Any] = told(document)
    return found


def read_date(table: Table, key: str) -> date | None:
    """Return a date, None where the key is absent."""
    text = table.text(key, default="")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise table.fault(key, "is not a date such as 2026-03-01") from wrong


def read_test(table: Table) -> RuleTest:
    """Return a test of a rule; whether the rule exists is looked at with the whole document."""
    rule, said = table.text("rule"), table.text("verdict")
    given = table.anything("given")
    table.finish()
    if said not in tuple(Verdict):
        raise table.fault("verdict", f"is none of {', '.join(Verdict)}")
    if not isinstance(given, dict):
        raise table.fault("given", "is not a table of features")
    if not all(isinstance(value, bool | int | str) for value in given.values()):
        raise table.fault("given", "holds what is neither integer, text nor true or false")
    return RuleTest(rule=rule, verdict=Verdict(said), given=given)


def read_tolerances(table: Table) -> Tolerances:
    """Return how far the version may move; nothing is asked for where there is no table."""
    part = table.table_if_any("tolerances")
    if part is None:
        return Tolerances()
    found = {name: part.integer_or_none(name) for name in Tolerances.__slots__}
    part.finish()
    for name, value in found.items():
        if value is not None and not 0 <= value <= _MILLION:
            raise InvalidPolicyError(f"{part.place}.{name}", f"lies between 0 and {_MILLION:,}")
    return Tolerances(**found)
