"""The reference of the API is what the code has; a difference is shown."""

import difflib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def made() -> dict[str, str]:
    path = ROOT / "tools" / "write_api_reference.py"
    spec = importlib.util.spec_from_file_location("write_api_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[str, str] = module.made()
    return files


@pytest.mark.parametrize("name", ["openapi.json", "api.md", "errors.md"])
def test_the_reference_is_as_the_code_has_it(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        written.splitlines(), made()[name].splitlines(), f"docs/reference/{name}", "code", n=1
    )
    assert list(difference)[:40] == [], "make docs"
