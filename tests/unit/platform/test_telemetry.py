"""Log lines: in both forms, with the request's name, and without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from counterfoil.platform import telemetry
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(form: LogFormat, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    telemetry.configure_logging(level, form, to=stream)
    return stream


def test_a_line_is_json_with_level_time_and_request() -> None:
    stream = written(LogFormat.JSON)
    token = telemetry.request_id.set("rq_1")
    telemetry.logger("batches").info("batch committed", commands=12)
    telemetry.request_id.reset(token)
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "batch committed",
        "component": "batches",
        "commands": 12,
        "level": "info",
        "request_id": "rq_1",
    }


def test_a_line_for_people_is_one_line() -> None:
    stream = written(LogFormat.CONSOLE)
    telemetry.logger("batches").info("batch committed", commands=12)
    assert "batch committed" in stream.getvalue()
    assert "commands=12" in stream.getvalue()


def test_less_urgent_lines_are_not_written() -> None:
    stream = written(LogFormat.JSON, LogLevel.WARNING)
    telemetry.logger("x").info("quiet")
    logging.getLogger("library").info("quiet too")
    assert stream.getvalue() == ""


def test_lines_of_libraries_take_the_same_form_and_lose_their_secrets() -> None:
    stream = written(LogFormat.JSON)
    logging.getLogger("library").warning("connecting to postgresql://me:hunter2@db/x")
    line = json.loads(stream.getvalue())
    assert line["event"] == "connecting to postgresql://[redacted]@db/x"
    assert line["level"] == "warning"


def test_an_exception_is_written_with_its_traceback() -> None:
    stream = written(LogFormat.JSON)
    try:
        int("broken")
    except ValueError:
        telemetry.logger("x").exception("failed")
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("password", "hunter2", telemetry.REDACTED),
        ("webhook_secret", "x", telemetry.REDACTED),
        ("Authorization", "Bearer x", telemetry.REDACTED),
        ("data_key", b"x", telemetry.REDACTED),
        ("id_number", "110101199003077774", telemetry.REDACTED),
        ("phone", "+8613800138000", telemetry.REDACTED),
        ("idempotency_key", "a1", "a1"),
        ("commands", 3, 3),
        ("header", "cfk_0123456789abcdefghij", telemetry.REDACTED),
        ("fields", {"a": 1, "token": "x"}, {"a": 1, "token": telemetry.REDACTED}),
        ("rows", [{"phone": "1"}, "ok"], [{"phone": telemetry.REDACTED}, "ok"]),
    ],
)
def test_secrets_are_cut_out_and_the_rest_is_kept(
    name: str, value: object, expected: object
) -> None:
    assert telemetry.redact(None, "info", {name: value}) == {name: expected}


def test_what_is_nested_too_deep_is_not_written() -> None:
    nested: object = "cfk_0123456789abcdefghij"
    for _ in range(telemetry.DEPTH_MAX + 2):
        nested = {"a": nested}
    assert "cfk_" not in str(telemetry.redact(None, "info", {"a": nested}))


def test_metrics_are_separate_per_registry_and_readable() -> None:
    one, other = Metrics.create(), Metrics.create()
    one.commands.labels(kind="draw", result="accepted").inc()
    text, media_type = one.exposition()
    assert b'counterfoil_commands_total{kind="draw",result="accepted"} 1.0' in text
    assert media_type.startswith("text/plain")
    assert b'kind="draw"' not in other.exposition()[0]
