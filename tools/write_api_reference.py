"""Write the reference of the API from the code: its description, its operations, its errors.

python tools/write_api_reference.py          # write the files
python tools/write_api_reference.py --check  # say which are not as the code has it
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from counterfoil.api.app import WRITES, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.openapi import document
from counterfoil.api.problems import FIELD_TEXTS, load_texts
from counterfoil.api.reference import groups_of, rooms_of_errors

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

API_HEAD = """# API

Generated from the code by `make docs`; the same pages are served at `/docs`, the description at
`/openapi.json` ([openapi.json](openapi.json)).

* **Keys.** `Authorization: Bearer cfk_…`, made with `counterfoil keys create`. Each operation names
  the scope that its key needs.
* **Writes** take an `Idempotency-Key` of 1 to 128 printable ASCII characters. The same key with
  the same request gives the same bytes again, with `Idempotent-Replayed: true`; with another
  request 422. After a lost answer, a 429 or a 503, send the same request with the same key.
* **Amounts** are integers of minor units with their currency, **rates** integers in 1e-8,
  **identifiers** typed texts (`cu_` customer, `ap_` application, `ln_` line, `lo_` loan, `rp_`
  repayment, `tx_` transaction, `jr_` journal). Members that nobody knows are refused.
* **Whose it is.** What belongs to a customer is asked for with its `customer_id`; somebody
  else's is answered like what never was: 404.
* **Lists** give at most `limit` items with `next` and `prev`: send `next` as `after` to go on,
  `prev` as `before` to go back. A list without them is whole, and its description says why.
* **Errors** are problem documents (RFC 9457), in Chinese where `Accept-Language` asks for it:
  [errors.md](errors.md).
* **Limits.** A body has at most 1,000,000 bytes, a list of commands at most 1,000. The HTTP
  server itself answers what is not HTTP at all with a plain 400.
"""

ERRORS_HEAD = """# Errors

Generated from the code by `make docs`. Every error is a problem document with `type`, `title`,
`status`, `detail`, `code`, `next_step`, `request_id` and `errors`. A code is never renamed and
never reused. Words in braces are filled in. 每个错误都有稳定的代码、原因和下一步。

In `errors`, a `pointer` that begins with `#/` points into the body (RFC 6901); `query/…`,
`path/…` and `header/…` name what stands there.
"""


def made() -> dict[str, str]:
    """Return the text of each file by its name."""
    texts = load_texts()
    router: Any = site_of(Desk(texts))._router  # noqa: SLF001 – the description is of the inside
    description = document(router, WRITES)
    text = orjson.dumps(description, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return {
        "openapi.json": text.decode(),
        "api.md": _api(description),
        "errors.md": _errors(rooms_of_errors(texts.chinese)),
    }


def _api(description: Mapping[str, Any]) -> str:
    lines = [API_HEAD]
    for group in groups_of(description):
        lines.append(f"\n## {group['name']}")
        for operation in group["operations"]:
            lines += _operation(operation)
    return "\n".join(lines) + "\n"


def _operation(operation: Mapping[str, Any]) -> list[str]:
    lines = [f"\n### {operation['method']} {operation['path']}\n", f"{operation['summary']}."]
    if operation["description"]:
        lines[-1] += f" {operation['description']}"
    if operation["scopes"]:
        lines.append(f"\nScope: `{', '.join(operation['scopes'])}`")
    lines += _table("parameter", operation["parameters"])
    lines += _table("request", operation["request"])
    if operation["example"]:
        lines += ["\n```json", operation["example"], "```"]
    lines += _table("answer", operation["answer"])
    return lines


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    body = [
        f"| `{row['name']}`{'' if row['is_required'] else ' (optional)'} "
        f"| {_cell(row['type'])} | {_cell(row['description']) or '—'} |"
        for row in rows
    ]
    return [f"\n| {name} | type | meaning |", "|---|---|---|", *body] if body else []


def _errors(rooms: Iterable[Mapping[str, Any]]) -> str:
    lines = [ERRORS_HEAD]
    for room in rooms:
        lines += [f"\n## {room['name_en']} · {room['name_zh']}\n"]
        lines += ["| code | status | what is wrong, and what to do | 说明 |", "|---|---|---|---|"]
        for refusal in room["refusals"]:
            chinese = refusal["zh"]
            lines.append(
                f"| `{refusal['code']}` | {refusal['status']} "
                f"| {refusal['message']} {refusal['next_step']} "
                f"| {chinese['title']}：{chinese['message']}{chinese['next_step']} |"
            )
    lines += ["\n## What is wrong with one member\n", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {text} |" for code, text in FIELD_TEXTS.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Write the files, or compare them."""
    stale = []
    for name, text in made().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                file.write_text(text, encoding="utf-8")
    verb = "is not as the code has it: make docs" if "--check" in sys.argv else "written"
    for name in stale:
        print(f"docs/reference/{name} {verb}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
