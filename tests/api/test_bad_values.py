"""Values that have the form described and that no calendar, database or canonical JSON takes."""

from tests.api.conftest import Json, Site
from tests.api.test_access import described
from tests.api.test_bad_input import check_problem, fault_of

from counterfoil.api.openapi_parts import parameters_of


async def test_what_neither_the_database_nor_canonical_json_takes_is_refused(site: Site) -> None:
    good = {"kind": "policy_publication", "payload": {"act": "x"}, "summary": "s", "reason": "r"}
    for changes, fault in (
        ({"payload": {"count": 2**53}}, ("#/payload", "out_of_range")),
        ({"summary": "two\nlines and a \0"}, ("#/summary", "characters_not_allowed")),
    ):
        answer = await site.post("/v1/approvals", {**good, **changes})
        assert fault_of(check_problem(answer, 422, "request_invalid")) == fault


async def test_days_at_the_ends_of_the_calendar_fail_nowhere(site: Site) -> None:
    asked = 0
    for path, operations in described()["paths"].items():
        given = parameters_of(described(), operations["get"]) if "get" in operations else []
        days = [one["name"] for one in given if _is_day(one)]
        for day in ("0001-01-01", "9999-12-31") if days else ():
            answer = await site.client.get(path, params=dict.fromkeys(days, day))
            assert answer.status_code < 500, (path, answer.text)
            asked += 1
    assert asked >= 20


def _is_day(parameter: Json) -> bool:
    schema = parameter.get("schema", {})
    return any(one.get("format") == "date" for one in (schema, *schema.get("anyOf", ())))
