"""Templates and files keep the promises of the policy before any browser has to."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "counterfoil"
WEB = SOURCE / "platform" / "web"
TEMPLATES = sorted([*(SOURCE / "console" / "templates").rglob("*.html"),
                    *(SOURCE / "portal" / "templates").rglob("*.html"),
                    *(WEB / "templates").rglob("*.html")])  # fmt: skip
CSS = (WEB / "static" / "site.css").read_text(encoding="utf-8")
SCRIPT = (WEB / "static" / "site.js").read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_has_nothing_that_the_policy_blocks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert not re.search(r"<style|javascript:|https?://|srcdoc|<iframe|<object|<embed", text)
    assert not re.search(r"<script(?! type=\"module\" src=)", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_never_trusts_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_form_that_posts_carries_a_token(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
        if 'method="post"' in form:
            assert "hidden(" in form or 'name="csrf_token"' in form


def test_markup_is_made_in_charts_alone() -> None:
    for path in [*(SOURCE / "console").rglob("*.py"), *WEB.rglob("*.py")]:
        if path.name != "charts.py":
            # An empty picture may be made anywhere; text is never declared to be markup.
            text = path.read_text(encoding="utf-8").replace('Markup("")', "")
            assert "Markup(" not in text, path


def test_the_script_has_one_policy_and_no_other_way_to_markup() -> None:
    assert SCRIPT.count("createPolicy(") == 1
    assert 'createPolicy("counterfoil"' in SCRIPT
    sinks = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    for sink in (*sinks, "new Function", "setTimeout(", "http://", "https://", "importScripts"):
        assert sink not in SCRIPT
    assert SCRIPT.count("parseFromString(") == 1


def test_colours_stand_in_the_layer_of_tokens_alone() -> None:
    rest = CSS[CSS.index("@layer parts {") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(|light-dark\(", rest) == []


def test_the_style_sheet_loads_nothing_but_the_watermark() -> None:
    assert re.findall(r'url\("([^"]*)"\)', CSS) == ["../watermark.svg"]
    assert "@import" not in CSS
    assert "@font-face" not in CSS


def test_motion_asks_for_permission() -> None:
    for found in re.finditer(r"transition|animation", CSS):
        before = CSS[: found.start()].rpartition("@media")[2]
        assert "prefers-reduced-motion: no-preference" in before


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_class_of_a_template_is_in_the_style_sheet(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", path.read_text(encoding="utf-8"))
    for names in re.findall(r'class="([^"]*)"', text):
        for name in names.split():
            assert re.search(rf"\.{re.escape(name)}\b", CSS), name
