"""`counterfoil verify`: checks receipts, heads and whole logs from files alone.

Needs no network, no database and no settings. One JSON object on standard output, lines for
people on standard error where that is a terminal.
Exit codes  0 accepted, 1 rejected, 2 wrong usage or a policy that is not understood, 3 the log
            signed two heads of one size.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.evidence.formats.policy import Policy
    from counterfoil.evidence.formats.verifying import Freshness, Verdict

EXIT_USAGE: Final = 2
EXIT_SPLIT: Final = 3

PolicyFile = Annotated[
    Path,
    typer.Option("--policy", help="Trust policy: the logs that are believed and the quorum."),
]
NotOlder = Annotated[
    int | None,
    typer.Option(
        "--not-older-than",
        min=0,
        metavar="SECONDS",
        help="Reject what the witnesses saw longer ago, by this machine's clock.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write nothing but the JSON object.")]
ReceiptFile = Annotated[Path, typer.Argument(help="The receipt; - is standard input.")]
Head = Annotated[Path, typer.Argument(help="Checkpoint; - is standard input.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Check receipts, heads and logs offline, from files alone.", no_args_is_help=True
    )
    for command in (receipt, proof, checkpoint, consistency, log, split):
        group.command()(command)
    app.add_typer(group, name="verify")
    app.command("receipt-qr")(receipt_qr)


def receipt(
    file: ReceiptFile,
    *,
    policy: PolicyFile,
    not_older_than: NotOlder = None,
    as_json: Json = False,
) -> None:
    """Check a receipt: what it says stands in the log, and a quorum of witnesses saw it."""
    from counterfoil.evidence.formats.verifying import verify_receipt

    data = _read(file)
    _answer(policy, lambda read: verify_receipt(data, read, _fresh(not_older_than)), as_json)


def proof(
    file: Annotated[Path, typer.Argument(help="The proof file; - is standard input.")],
    *,
    entry: Annotated[Path, typer.Option(help="File with the entry of the log, as it is.")],
    policy: PolicyFile,
    not_older_than: NotOlder = None,
    as_json: Json = False,
) -> None:
    """Check a proof file for an entry of the log, without its opening."""
    from counterfoil.evidence.formats.verifying import verify_proof

    data, stated = _read(file), _read(entry)
    _answer(policy, lambda read: verify_proof(data, stated, read, _fresh(not_older_than)), as_json)


def checkpoint(
    file: Head,
    *,
    policy: PolicyFile,
    not_older_than: NotOlder = None,
    as_json: Json = False,
) -> None:
    """Check a head of the log: the log signed it and a quorum of witnesses saw it."""
    from counterfoil.evidence.formats.verifying import verify_checkpoint

    data = _read(file)
    _answer(policy, lambda read: verify_checkpoint(data, read, _fresh(not_older_than)), as_json)


def consistency(
    old: Annotated[Path, typer.Argument(help="The earlier checkpoint.")],
    new: Annotated[
        Path,
        typer.Argument(help="The later one, or a witness's request, which brings the proof."),
    ],
    *,
    policy: PolicyFile,
    log_directory: Annotated[
        Path | None,
        typer.Option(
            "--log", help="Directory of the log, to make the proof from its tiles.", file_okay=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that one head of a log continues another: nothing was taken out or altered."""
    from counterfoil.evidence.formats.merkle import read_consistency
    from counterfoil.evidence.formats.tile_directory import TileDirectory
    from counterfoil.evidence.formats.verifying import verify_consistency, verify_request

    first, second = _read(old), _read(new)

    def prove(old_size: int, new_size: int) -> Sequence[bytes]:
        assert log_directory is not None
        return read_consistency(TileDirectory(log_directory).hashes(new_size), old_size, new_size)

    def check(read: "Policy") -> "Verdict":
        if second.startswith(b"old "):
            return verify_request(first, second, read)
        return verify_consistency(first, second, prove if log_directory else None, read)

    _answer(policy, check, as_json)


def log(
    directory: Annotated[
        Path, typer.Argument(help="The log: checkpoint and tile/.", exists=True, file_okay=False)
    ],
    *,
    policy: PolicyFile,
    old: Annotated[
        list[Path] | None,
        typer.Option(help="An earlier checkpoint that must be a start; may be repeated."),
    ] = None,
    not_older_than: NotOlder = None,
    as_json: Json = False,
) -> None:
    """Recompute a whole log from its entries and compare every file byte for byte."""
    from counterfoil.evidence.formats.tile_directory import TileDirectory
    from counterfoil.evidence.formats.verifying_log import verify_log

    files, heads = TileDirectory(directory), [_read(head) for head in old or []]
    _answer(policy, lambda read: verify_log(files, read, heads, _fresh(not_older_than)), as_json)


def split(
    first: Head,
    second: Annotated[Path, typer.Argument(help="Checkpoint of the same size.")],
    *,
    policy: PolicyFile,
    as_json: Json = False,
) -> None:
    """Compare two heads of one size: with two roots they prove that the log shows two histories."""
    from counterfoil.evidence.formats.verifying import verify_split

    one, other = _read(first), _read(second)
    _answer(policy, lambda read: verify_split(one, other, read), as_json)


def receipt_qr(
    file: ReceiptFile,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write a picture instead: a file ending in .svg or .png.")
    ] = None,
) -> None:
    """Show a receipt as a QR code that holds the whole file; nothing is verified."""
    from counterfoil.evidence.formats.reasons import RejectedError
    from counterfoil.evidence.formats.receipt import Receipt
    from counterfoil.evidence.formats.receipt_qr import qr_of

    data = _read(file)
    try:
        Receipt.parse(data)
        code = qr_of(data)
    except RejectedError as failure:
        raise output.fail(str(failure)) from failure
    if out is None:
        code.terminal(compact=True)
        return
    if out.suffix not in {".svg", ".png"}:
        raise typer.BadParameter("ends in neither .svg nor .png", param_hint="--out")
    code.save(str(out), scale=4)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as failure:
        raise typer.BadParameter(f"{file}: {failure.strerror}") from failure


def _fresh(not_older_than: int | None) -> "Freshness | None":
    if not_older_than is None:
        return None
    from counterfoil.evidence.formats.verifying import Freshness
    from counterfoil.kernel.clock import SystemClock

    return Freshness(now=SystemClock().milliseconds() // 1000, seconds_max=not_older_than)


def _answer(
    policy: Path,
    check: "Callable[[Policy], Verdict]",
    as_json: bool,  # noqa: FBT001 - the last of three that belong together
) -> None:
    from counterfoil.evidence.formats.policy import Policy, PolicyRejectedError
    from counterfoil.evidence.formats.verifying import Verdict

    try:
        read = Policy.parse(_read(policy))
    except PolicyRejectedError as failure:
        verdict, code = Verdict(failure.reason, failure.detail), EXIT_USAGE
    else:
        try:
            verdict = check(read)
        except OSError as failure:
            typer.echo(f"{failure.filename}: {failure.strerror}", err=True)
            raise typer.Exit(EXIT_USAGE) from failure
        code = _exit_code(verdict)
    output.write_json(verdict.shape())
    if sys.stderr.isatty() and not as_json:
        _tell(verdict)
    raise typer.Exit(code)


def _exit_code(verdict: "Verdict") -> int:
    if verdict.is_accepted:
        return 0
    return EXIT_SPLIT if verdict.shows_equivocation else output.EXIT_FAILED


def _tell(verdict: "Verdict") -> None:
    """Say the same to a person."""
    facts = verdict.facts
    if not verdict.is_accepted:
        typer.secho(f"REJECTED  {verdict.refused}", err=True, fg=typer.colors.RED, bold=True)
        if verdict.detail:
            typer.echo(f"          {verdict.detail}", err=True)
        return
    typer.secho("ACCEPTED", err=True, fg=typer.colors.GREEN, bold=True)
    for name, text in _lines(facts):
        typer.echo(f"{name:10}{text}", err=True)


def _lines(facts: Any) -> list[tuple[str, str]]:
    lines = []
    if "type_name" in facts:
        lines.append(("leaf", f"{facts['type_name']} (type {facts['type']})"))
    if "index" in facts:
        lines.append(("index", f"{facts['index']} of {facts['size']}"))
    elif "size" in facts:
        lines.append(("size", str(facts["size"])))
    if "origin" in facts:
        lines.append(("log", facts["origin"]))
    if "times" in facts:
        seen = ", ".join(f"{name} {_instant(at)}" for name, at in facts["witnesses"].items())
        lines.append(("seen by", seen))
    if "old" in facts:
        lines.append(("grew", f"{facts['old']['size']} to {facts['new']['size']}"))
    return lines


def _instant(seconds: int) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return str(seconds)
