"""TOML as people and programs send it: whatever is wrong with it is one kind of error.

Bounds      So many levels of tables and lists as no file here needs; the parser itself goes as deep
            as the stack, and reads integers of any length.
"""

import tomllib
from typing import Any, Final

DEPTH_MAX: Final = 40


def parse_toml(text: str) -> dict[str, Any]:
    """Return the document of a text; raise tomllib.TOMLDecodeError for every text that is none."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError(_TOO_DEEP) from error
    except ValueError as error:
        raise tomllib.TOMLDecodeError("a number has thousands of digits") from error
    level: list[Any] = [document]
    for _ in range(DEPTH_MAX):
        level = [item for part in level for item in _inner(part)]
        if not level:
            return document
    raise tomllib.TOMLDecodeError(_TOO_DEEP)


_TOO_DEEP: Final = f"nested deeper than {DEPTH_MAX} levels"


def _inner(part: dict[str, Any] | list[Any]) -> list[Any]:
    values = part.values() if isinstance(part, dict) else part
    return [item for item in values if isinstance(item, dict | list)]
