"""Requests made up from the description: whatever is sent, nothing fails inside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from tests.api.serving import Server, running

EXAMPLES = 12


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, database_url) as started:
        yield started


def name_what_is_there(case: Any, prepared: dict[str, str]) -> None:
    """Put the borrower who is there in the place of one that was made up."""
    for place in (case.body, case.query, case.path_parameters):
        if isinstance(place, dict):
            for name in ("customer_id", "line_id"):
                if name in place:
                    place[name] = prepared[name]


def test_no_generated_request_fails_inside(server: Server) -> None:
    with server.client() as client:
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        counted: dict[int, int] = {}
        for result in schema.get_all_operations():
            operation: Any = result
            operation = operation.ok()

            @given(case=operation.as_strategy())
            @settings(
                max_examples=EXAMPLES,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def send(case: Any) -> None:
                if sum(counted.values()) % 2:
                    name_what_is_there(case, server.prepared)
                answer = case.call(base_url=server.url, headers=server.headers)
                counted[answer.status_code] = counted.get(answer.status_code, 0) + 1
                case.validate_response(answer, checks=(not_a_server_error,))
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == ["application/problem+json"]

            send()
        assert client.get("/readyz").status_code == 200
    assert sum(counted.values()) > 300
    assert any(status < 300 for status in counted)
