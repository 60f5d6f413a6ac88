"""`counterfoil contract`: templates of contracts, and whether a file is a contract unaltered.

Exit codes  0 accepted or no fault, 1 rejected or faults, 2 wrong usage.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.contract_notice import notice, notices
from counterfoil.cli.contract_templates import gate, publish, published, retire, templates

if TYPE_CHECKING:
    from counterfoil.contracts.verifying import KnownSeal, Verdict

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The contract, a PDF.")]
Certificates = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        exists=True,
        help=(
            "The lender's certificate, PEM or DER, or a directory of them named `LENDER.….pem`; "
            "those of this installation if unset."
        ),
    ),
]
ReceiptFile = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        exists=True,
        dir_okay=False,
        help="Receipt of a leaf about the contract; check it with `counterfoil verify receipt`.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Contracts and their templates.", no_args_is_help=True)
    for command in (verify, templates, gate, publish, retire, published, notice, notices):
        group.command()(command)
    app.add_typer(group, name="contract")


def verify(
    file: File,
    *,
    certificate: Certificates = None,
    receipt: ReceiptFile = None,
    as_json: Json = False,
) -> None:
    """Check offline that a contract is what was signed, who sealed it, and what the log says."""
    from counterfoil.contracts.verifying import verify_contract

    with output.failures_as_messages():
        verdict = verify_contract(file.read_bytes(), _seals(certificate), body=_body(receipt))
    if as_json:
        output.write_json(_shape(verdict))
    else:
        _write(verdict)
    if not verdict.accepted:
        raise typer.Exit(output.EXIT_FAILED)


def _seals(path: Path | None) -> "list[KnownSeal]":
    """Return the certificates to trust: one, a directory of them, or this installation's."""
    from counterfoil.contracts.seal_places import CERTIFICATE, CERTIFICATES
    from counterfoil.contracts.verifying import KnownSeal
    from counterfoil.platform.settings import Settings

    if path is not None and path.is_file():
        return [KnownSeal(None, path.read_bytes())]
    keys = Settings().home / "keys"
    folder = path or keys / CERTIFICATES
    files = sorted(folder.glob("*.pem"))
    seals = [KnownSeal(one.name.split(".")[0], one.read_bytes()) for one in files]
    if path is None and (keys / CERTIFICATE).is_file():
        seals.append(KnownSeal(None, (keys / CERTIFICATE).read_bytes()))
    if not seals:
        raise output.fail(f"{folder} holds no certificate: name the lender's, --certificate")
    return seals


def _body(path: Path | None) -> dict[str, Any] | None:
    """Return what the leaf of a receipt says."""
    if path is None:
        return None
    from counterfoil.evidence.formats.reasons import RejectedError
    from counterfoil.evidence.formats.receipt import Receipt
    from counterfoil.evidence.leaf import LeafType

    try:
        receipt = Receipt.parse(path.read_bytes())
    except RejectedError as refused:
        raise output.fail(f"{path}: {refused}") from refused
    if receipt.kind is not LeafType.CONTRACT:
        kind = receipt.kind.name.lower().replace("_", " ")
        raise output.fail(f"{path}: this receipt is not of a contract; it says: {kind}")
    return receipt.fields


def _shape(verdict: "Verdict") -> dict[str, object]:
    return {
        "accepted": verdict.accepted,
        "faults": [{"code": code, "reason": reason} for code, reason in verdict.faults],
        "pdf_sha256": verdict.pdf_sha256,
        "document_sha256": verdict.document_sha256 or None,
        "sealed_by": verdict.sealed_by,
        "lender": verdict.lender,
        "evidence": verdict.evidence,
    }


def _write(verdict: "Verdict") -> None:
    for code, reason in verdict.faults:
        typer.echo(f"{code}: {reason}")
    typer.echo(f"file      {verdict.pdf_sha256}")
    typer.echo(f"document  {verdict.document_sha256 or '—'}")
    typer.echo(f"lender    {_lender(verdict)}")
    typer.echo("accepted" if verdict.accepted else "rejected")


def _lender(verdict: "Verdict") -> str:
    """Return who sealed, and who the file says is the lender."""
    named = "" if verdict.lender is None else f"{verdict.lender.get('name_en', '')}"
    return " · ".join(one for one in (verdict.sealed_by, named) if one) or "—"
