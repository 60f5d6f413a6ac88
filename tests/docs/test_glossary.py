"""What pages, answers and refusals say is said in the glossary's words."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from counterfoil.api.catalogue import ROOMS, refusals_of
from counterfoil.decisioning.document import load_policy
from counterfoil.journeys.deciding.policies import ORIGINATION, SHIPPED
from counterfoil.ledger.chart import CHART

ROOT = Path(__file__).parents[2]
LOCALES = ("console", "api", "platform/web")
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS, REST = TEXT.split("## States and kinds")
UNUSED = REST.split("## Words that are not used")[1]

#: Groups of messages that name figures and columns; the states are in a part of their own.
FIGURES = (
    "application",
    "customer",
    "day",
    "decision",
    "ledger",
    "line",
    "loan",
    "payment",
    "tile",
)
#: Endings of keys whose messages are sentences or captions, not names.
SENTENCES = ("_next", "_note", "_caption", "_hint", "_definition", "_text", "_range", "_of")
#: Names of plain words: times, counts and links that every reader knows.
_PLAIN_LABELS = """
语言 暂无 时间线 注册时间 耗时 检查数 变更数 说明 开始时间 当前 条件 输入 来源 取值 合计
上限 类型 按日 截至 预计 净额 状态 概况 已还 动作 答复 序号 笔数 创建时间 方向 失败原因 完成时间
下次动作 最早自 在途 答复时间 发送时间 发起时间 正在核实 已撤销 有效期至 开立日 已用 较 今日 笔
当时读取 每月 等待一人
费用 原因 期数 份次 交付日 变更内容 版本 月份 阅读 收取方
收取时点 最高 SHA-256 新借款 单利 生效日 公布时间
担保费 {share} {after} 综合成本
"""
PLAIN_LABELS = frozenset(_PLAIN_LABELS.split())
#: Words of refusal codes that are no terms: what is wrong, and grammar.
_PLAIN_WORDS = """
not found agreed above below maximum minimum positive too large already open backwards out range
given many missing declared expired invalid reused needs check insufficient internal error
malformed unavailable unchanged closed exists empty frozen suspended pending allowed offered
ready nothing banned decided changes used up reversed only long changed stopping proposed
unfit same try later before future active rejected authenticated unsupported
media type beyond reserved mismatch requested json progress damaged normalised
outdated short weak stale without another yet valid
signed wrong codes low does match needed effective approved
never inquires switched stopped published declined duplicate other joined gone
under way stands over by begun lost meanwhile read overdue
involved broken state unreadable dates disordered balances totals differ reached
admitted both cursors still stated impossible expected far twice undeliverable
asked ended assigned wrote blocked while loosens ruled law production
identified first incomplete done end pay more
absent be costs hours leaving must named outside possible shortly silent unchecked
acts longer words
"""
PLAIN_WORDS = frozenset(_PLAIN_WORDS.split())


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield code, English and Chinese of each row of the tables."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 3:
            yield cells[0].replace("`", ""), cells[1], cells[2]


def words_of(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}


def locale(room: str, language: str) -> dict[str, dict[str, Any]]:
    path = ROOT / "src" / "counterfoil" / room / "locale" / f"{language}.toml"
    return {k: v for k, v in tomllib.loads(path.read_text(encoding="utf-8")).items() if v}


def names_of(group: str) -> dict[str, str]:
    """Return the messages of a group that name something, in Chinese."""
    return {
        key: label
        for key, label in locale("console", "zh-CN")[group].items()
        if isinstance(label, str) and not key.endswith(SENTENCES) and "。" not in label
    }


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("glossary", ROOT / "tools" / "glossary.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CODES = [refusal.code for room, _, _ in ROOMS for refusal in refusals_of(room)]
CHINESE = {label for _, _, cell in rows(TERMS) for label in re.split("[、，]", cell)}
ENGLISH = words_of(*(code + " " + english for code, english, _ in rows(TERMS)))


def test_a_code_stands_once() -> None:
    codes = [code for cell, _, _ in rows(TERMS) for code in re.split(r",\s*", cell)]
    assert sorted(codes) == sorted(set(codes))


def test_states_and_kinds_are_those_of_the_console() -> None:
    module = tool()
    assert module.put(TEXT, module.states()) == TEXT, "python tools/glossary.py"


@pytest.mark.parametrize("group", FIGURES)
def test_names_of_figures_are_made_of_the_glossarys_words(group: str) -> None:
    known = CHINESE | PLAIN_LABELS
    strange = {
        key: label
        for key, label in names_of(group).items()
        if not any(term in label for term in known)
    }
    assert strange == {}


def test_nouns_of_refusals_are_in_the_glossary() -> None:
    singular = {word.removesuffix("s") for word in ENGLISH} | ENGLISH
    strange = {
        code: left
        for code in CODES
        if (left := words_of(code.replace("_", " ")) - PLAIN_WORDS - singular)
    }
    assert strange == {}


def test_no_plain_word_is_left_over() -> None:
    in_codes = {word for code in CODES for word in code.split("_")}
    assert PLAIN_WORDS - in_codes == set()
    names = "\n".join(label for group in FIGURES for label in names_of(group).values())
    assert [label for label in PLAIN_LABELS if label not in names] == []


def test_accounts_and_inputs_have_both_names_and_the_books_page_says_so() -> None:
    books = (ROOT / "docs" / "internals" / "ledger.md").read_text(encoding="utf-8")
    for account in CHART.values():
        assert f"| {account.code} | {account.name_en} | {account.name_zh} |" in books
    for feature in load_policy(SHIPPED[ORIGINATION]).features:
        assert feature.name_en
        assert re.search("[\u4e00-\u9fff]", feature.name_zh)


def unused_words() -> list[str]:
    first = [line.split("|")[1] for line in UNUSED.splitlines() if line.startswith("| ")][1:]
    return [w for cell in first for w in re.findall("[\u4e00-\u9fff]{2,}", cell)]


@pytest.mark.parametrize("room", LOCALES)
def test_words_that_are_not_used_are_not_used(room: str) -> None:
    words = [word for word in unused_words() if word != "的"]
    assert len(words) >= 8
    text = (ROOT / "src" / "counterfoil" / room / "locale" / "zh-CN.toml").read_text("utf-8")
    labels = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    # "No fine is charged" may be said: it denies.
    labels = labels.replace("不收违约金", "")
    assert [word for word in words if word in labels] == []
