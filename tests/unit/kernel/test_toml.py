"""Whatever is wrong with a TOML text is one kind of error, however deep or long it is."""

import tomllib

import pytest

from counterfoil.kernel.toml import DEPTH_MAX, parse_toml


@pytest.mark.parametrize(
    "text",
    [
        "x = ",
        "x = " + "[" * 5_000 + "]" * 5_000,
        "x = " + "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1),
        "x = " + "{a=" * 500 + "1" + "}" * 500,
        ".".join(["a"] * 3_000) + " = 1",
        "x = " + "9" * 5_000,
    ],
)
def test_what_is_no_document_is_one_error(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml(text)


def test_a_document_is_what_the_parser_says() -> None:
    text = "a = 1\n[b]\nc = [[2], [{ d = 'x' }]]\n"
    assert parse_toml(text) == {"a": 1, "b": {"c": [[2], [{"d": "x"}]]}}
