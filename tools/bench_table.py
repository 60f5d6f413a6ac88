"""The table "how fast" of the README, made of what `counterfoil bench … --json` wrote.

    counterfoil bench writes --json > writes.json
    python tools/bench_table.py writes.json http.json      # English, to standard output
    python tools/bench_table.py writes.json --write        # into both READMEs

Figures stand with their yardstick and target, whether it was reached or not; what was measured
is said beneath them: machine, date, durability, drift. A run whose books did not verify has no
results and stops the tool.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"

#: From here on fractions say nothing.
WHOLE_FROM = 100

#: Names of figures for people; a figure without one stands under the name that programs read.
#: Braces are filled from the figure's own notes.
NAMES = {
    "drawdowns": ("Drawdowns, over all customers", "支用，分散于全部客户"),
    "drawdowns_ten_customers": ("Drawdowns, all on ten customers", "支用，集中于十位客户"),
    "drawdowns_one_caller": ("Drawdowns, one caller at a time", "支用，单个调用方逐笔"),
    "replays": ("Answers repeated under a known key", "幂等键重放"),
    "repayments": ("Repayments, one open loan each", "还款，每客户一笔借据"),
    "latency_at_50_percent": ("Time to answer at half of the maximum", "半载时的应答时间"),
    "latency_at_80_percent": ("Time to answer at four fifths of it", "八成负载时的应答时间"),
    "http_drawdowns": ("Drawdowns over HTTP", "支用，经 HTTP"),
    "http_latency_at_50_percent": ("Time to answer over HTTP at half", "经 HTTP 半载时的应答时间"),
    "http_drawdowns_one_caller": ("Drawdowns over HTTP, one caller", "支用，经 HTTP 单个调用方"),
    "close": (
        "Closing a day, {covered:,} open loans, {touched:,} with something due",
        "日终，{covered:,} 笔在贷借据，其中 {touched:,} 笔有事项",
    ),
    "close_nothing_due": ("Closing a day with nothing due", "日终，无到期事项"),
    "close_all_lent_that_day": (
        "Closing the day on which all of it was lent",
        "全部借据当日放款的日终",
    ),
    "close_with_reviews": (
        "Closing a day with {reviewed:,} lines to review and {touched:,} with something due",
        "日终，复审 {reviewed:,} 个额度，{touched:,} 笔有事项",
    ),
    "close_catch_up": ("Closing {days} missed days at once", "一次补做 {days} 天日终"),
    "pages": (
        "Pages of the console, {callers} readers, {loans:,} loans",
        "控制台页面，{callers} 人同时阅读，{loans:,} 笔借据",
    ),
    "page_overview": ("Time of the overview", "总览页用时"),
    "page_lines": ("Time of the list of lines", "额度列表用时"),
    "page_loans": ("Time of the list of loans", "借据列表用时"),
    "page_line": ("Time of a line with its events", "额度页用时"),
    "page_loan": ("Time of a loan with its story", "借据页用时"),
    "page_trial_balance": ("Time of the trial balance", "试算平衡表用时"),
    "page_days": ("Time of the list of days", "日终列表用时"),
    "replay_10": (
        "A late repayment on a loan of {life:,} payments, {later:,} of them later",
        "迟到还款：借据共 {life:,} 笔还款，其后 {later:,} 笔",
    ),
    "replay_100": (
        "A late repayment on a loan of {life:,} payments, {later:,} of them later",
        "迟到还款：借据共 {life:,} 笔还款，其后 {later:,} 笔",
    ),
    "replay_1000": (
        "A late repayment on a loan of {life:,} payments, {later:,} of them later",
        "迟到还款：借据共 {life:,} 笔还款，其后 {later:,} 笔",
    ),
    "replay_10_of_a_short_loan": (
        "The same on a loan of {life:,} payments, {later:,} of them later",
        "同上：借据共 {life:,} 笔还款，其后 {later:,} 笔",
    ),
    "replay_long_to_short": ("The long loan's time to the short one's", "长借据与短借据耗时之比"),
    "replay_10_from_the_start": (
        "Without checkpoints: folded from the start",
        "不用检查点：从头重算",
    ),
    "soak": (
        "Drawdowns at {seconds:,} s of steady load, last tenth to first",
        "稳定负载 {seconds:,} 秒的支用，末段与首段之比",
    ),
    "soak_p99": ("Time to answer in its last tenth, to the first", "其末段应答时间，与首段之比"),
    "soak_memory_growth": ("Memory of our process grown meanwhile", "其间本进程内存的增长"),
    "repayments_several_loans": (
        "Repayments over five open loans each",
        "还款，每客户五笔借据",
    ),
    "drawdowns_skewed": (
        "Drawdowns, few customers make most",
        "支用，集中于少数客户",
    ),
    "commands_with_leaves": (
        "Drawdowns with leaves, to those without",
        "带存证的支用，与不带存证之比",
    ),
    "drain": (
        "Leaves sealed and numbered from a backlog",
        "积压存证的密封与编号",
    ),
    "witnessed_receipt": (
        "From intent to witnessed receipt",
        "从意向到见证回执",
    ),
    "witnessed_receipt_one_dead": (
        "The same with one witness dead",
        "同上，一位见证方停机",
    ),
    "receipt_bytes": (
        "Size of a receipt",
        "回执大小",
    ),
    "receipt_make": (
        "Making a receipt",
        "生成回执",
    ),
    "receipt_verify": (
        "Verifying a receipt offline",
        "离线核验回执",
    ),
    "audit_database": (
        "Audit of a million leaves, in the database",
        "百万存证审计，库内",
    ),
    "audit_files": (
        "Audit of a million leaves, of files alone",
        "百万存证审计，仅凭文件",
    ),
    "entry_bytes_a_million": (
        "Entries of a million leaves",
        "百万存证条目大小",
    ),
    "encrypt_20_kb": (
        "Sealing a report of 20 kB",
        "密封 20 kB 报告",
    ),
    "decrypt_20_kb": (
        "Opening a report of 20 kB",
        "打开 20 kB 报告",
    ),
    "blind_index_lookup": (
        "Finding one of a million customers",
        "百万客户中按盲索引查找",
    ),
    "applications": (
        "Applications decided and kept",
        "申请受理、审批并留存",
    ),
    "applications_at_half": (
        "Time to decide an application at half of it",
        "半载时一笔申请的时间",
    ),
    "decide_one": (
        "One complete decision",
        "单笔完整审批",
    ),
    "decide_one_with_record": (
        "The same with its record",
        "同上，含留存记录",
    ),
    "decide_one_reference": (
        "The same by the reference",
        "同上，参考实现",
    ),
    "zen_one": (
        "An equivalent graph in zen-engine",
        "zen-engine 等价决策图",
    ),
    "boosted_one_with_contributions": (
        "One boosted score with contributions",
        "单笔提升评分卡，含贡献",
    ),
    "decide_batch": (
        "Decisions in memory, one thread",
        "内存批量审批，单线程",
    ),
    "boosted_batch_with_contributions": (
        "Boosted scores with contributions",
        "批量提升评分卡，含贡献",
    ),
    "boosted_batch_score_alone": (
        "Boosted scores alone",
        "批量提升评分卡，仅分数",
    ),
    "decide_files": (
        "Decisions from file to file",
        "文件到文件批量审批",
    ),
    "decide_files_memory": (
        "Memory of that",
        "其内存",
    ),
    "gate_10000_cases": (
        "Publication gate, 10,000 cases",
        "发布闸门，一万例",
    ),
    "close_memory": ("Most memory of our process while closing", "日终时本进程内存峰值"),
}
#: What the signs of the yardsticks mean.
SIGNS = {
    "F": ("flushes of the disk", "磁盘刷写"),
    "T": ("pgbench TPC-B, 16 clients", "pgbench TPC-B，16 客户端"),
    "T1": ("pgbench TPC-B, one client", "pgbench TPC-B，单客户端"),
    "N": ("pgbench simple update", "pgbench 简单更新"),
    "C": ("COPY rows, one connection", "COPY 行数，单连接"),
    "P": ("HTTP requests that are validated and do nothing", "只校验、不做事的 HTTP 请求"),
    "H": ("node hashes in Python", "Python 中的节点哈希数"),
    "W": ("the same drawdowns without leaves", "不带存证的同样支用"),
    "L": ("steps of a plain loop", "普通循环步数"),
    "S": ("rows copied from file to file", "文件到文件复制行数"),
    "C2": ("COPY rows, two connections", "COPY 行数，双连接"),
}
HEADS = {
    "en": ("figure", "measured", "ratio", "aim", "p50 ms", "p99 ms"),
    "zh": ("指标", "实测", "与基准之比", "目标", "p50 毫秒", "p99 毫秒"),
}
REACHED = {"en": {True: "reached", False: "missed"}, "zh": {True: "达到", False: "未达"}}


def table(runs: Sequence[dict[str, Any]], language: str) -> str:
    """Return the table and what belongs under it, as Markdown."""
    place = ("en", "zh").index(language)
    lines = [_row(HEADS[language]), "|---|---:|---:|---:|---:|---:|"]
    for run in runs:
        for name, result in run["results"].items():
            lines.append(_row(_cells(name, result, language, place)))
    return "\n".join([*lines, "", *[_conditions(run, place) for run in runs]])


def _cells(name: str, result: dict[str, Any], language: str, place: int) -> list[str]:
    shown = NAMES[name][place].format(**result) if name in NAMES else f"`{name}`"
    ratio, aim = result["ratio"], result["target"]
    base = result["ratio_to"] or ""
    reached = REACHED[language].get(result["reached"], "")
    return [
        shown,
        f"{_number(result['value'])} {result['unit']}",
        "—" if ratio is None else f"{ratio} {base}",
        "—" if aim is None else f"{_number(aim)} {base or result['unit']}, {reached}",
        _number(result["p50_ms"]),
        _number(result["p99_ms"]),
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if value >= WHOLE_FROM else f"{value:g}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _conditions(run: dict[str, Any], place: int) -> str:
    """Return in one paragraph what the figures of a run were measured under."""
    signs = [
        f"{sign} = {_number(value)}/s ({SIGNS[sign][place]})"
        for sign, value in run["yardsticks"].items()
        if sign in SIGNS
    ]
    facts = [run["machine"], run["date"], "; ".join(signs)]
    durability = run.get("durability")
    if isinstance(durability, dict):
        facts.append(", ".join(f"`{name}={value}`" for name, value in durability.items()))
    if "drift_percent" in run:
        facts.append(f"T {run['drift_percent']:+} %")
    end = "。" if place else "."
    return "; ".join(fact for fact in facts if fact) + end + "\n"


def put(text: str, made: str) -> str:
    """Return a document with the block between its marks replaced."""
    block = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(block.findall(text)) != 1:
        raise ValueError(f"there has to be one block {BEGIN} … {END}")
    return block.sub(lambda _: f"{BEGIN}\n{made.strip()}\n{END}", text)


def main() -> None:
    """Read the runs; print the table or put it into both READMEs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--language", choices=list(READMES), default="en")
    parser.add_argument("--write", action="store_true", help="put it into both READMEs")
    arguments = parser.parse_args()
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in arguments.files]
    for file, run in zip(arguments.files, runs, strict=True):
        if not run["results"]:
            sys.exit(f"{file} has no results: its books did not verify")
    if not arguments.write:
        print(table(runs, arguments.language))
        return
    for language, readme in READMES.items():
        made = table(runs, language)
        readme.write_text(put(readme.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
