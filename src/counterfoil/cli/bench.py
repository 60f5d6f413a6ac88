"""`counterfoil bench`: figures as ratios to yardsticks taken in the same run."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli.output import fail, failures_as_messages, write_json, write_table

bench = typer.Typer(help="Measure on a server of its own, with durability on.")

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document.")]
Seconds = Annotated[int, typer.Option(min=1, max=600, help="Length of each measurement.")]
Customers = Annotated[int, typer.Option(min=1_000, help="Credit lines in the book.")]
Shards = Annotated[int, typer.Option(min=1, max=16, help="Batches under way at once.")]
Seed = Annotated[int, typer.Option(help="Seed of the workload.")]
At = Annotated[
    Path | None, typer.Option("--at", help="Directory for the server's files.", exists=True)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")


def _tell(text: str) -> None:
    typer.secho(text, err=True, fg=typer.colors.BRIGHT_BLACK)


@bench.command()
def writes(
    *,
    customers: Customers = 200_000,
    seconds: Seconds = 10,
    shards: Shards = 2,
    seed: Seed = 1,
    open_loans: Annotated[
        int, typer.Option(min=1, max=20, help="Measure repayments over so many open loans too.")
    ] = 1,
    skewed: Annotated[
        bool, typer.Option("--skewed", help="Measure drawdowns of which few customers make most.")
    ] = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Drawdowns and repayments in the engine's own process, against pgbench."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.writes import Scale, run

    scale = Scale(
        customers=customers,
        seconds=seconds,
        shards=shards,
        seed=seed,
        open_loans=open_loans,
        skewed=skewed,
    )
    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, scale, _tell))
    _show("Write path", report.document(), as_json=as_json)


@bench.command()
def http(
    *,
    customers: Customers = 100_000,
    seconds: Seconds = 10,
    shards: Shards = 2,
    seed: Seed = 1,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Drawdowns over HTTP, one command a request, against pgbench and a route without work."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.http import run
    from counterfoil.simulator.bench.writes import Scale

    scale = Scale(customers=customers, seconds=seconds, shards=shards, seed=seed)
    site = ("-m", "counterfoil.cli", "serve")
    nothing = ("-m", "counterfoil.cli.bench_site")
    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, scale, _tell, site=site, nothing=nothing))
    _show("HTTP", report.document(), as_json=as_json)


@bench.command()
def pages(
    *,
    loans: Annotated[int, typer.Option(min=5_000, help="Open loans in the book.")] = 1_000_000,
    seconds: Seconds = 10,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Pages of the console on a large book, from the request to the last byte."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.pages import run

    site = ("-m", "counterfoil.cli", "serve")
    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, loans=loans, seconds=seconds, tell=_tell, site=site))
    _show("Pages", report.document(), as_json=as_json)


@bench.command()
def apply(
    *,
    persons: Annotated[int, typer.Option(min=1_000, help="People, each of whom applies.")] = 10_000,
    seconds: Seconds = 10,
    seed: Seed = 1,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Applications in the engine's own process, what the bureau said being at hand."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.apply import run
    from counterfoil.simulator.bench.writes import Scale

    scale = Scale(customers=persons, seconds=seconds, shards=2, seed=seed)
    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, scale, _tell))
    _show("Applications", report.document(), as_json=as_json)


@bench.command()
def close(
    *,
    loans: Annotated[int, typer.Option(min=1_000, help="Open loans in the book.")] = 1_000_000,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Close days of a book of open loans, with a twenty-eighth of them falling due."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.close import run

    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, loans=loans, tell=_tell))
    _show("Daily close", report.document(), as_json=as_json)


@bench.command()
def replay(*, at: At = None, as_json: AsJson = False) -> None:
    """Late payments on one loan, by the payments that come after them."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.replay import run

    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, tell=_tell))
    _show("Replay", report.document(), as_json=as_json)


@bench.command()
def soak(
    *,
    customers: Customers = 200_000,
    minutes: Annotated[
        int, typer.Option(min=1, max=1_440, help="Length of the run; 480 for eight hours.")
    ] = 10,
    load_percent: Annotated[
        int, typer.Option("--load", min=1, max=95, help="Share of the maximum, in percent.")
    ] = 60,
    seed: Seed = 1,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Drawdowns for a long time below the maximum: rate, times and memory, last to first."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.soak import run

    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(
            run(
                stage,
                customers=customers,
                seconds=minutes * 60,
                load_percent=load_percent,
                seed=seed,
                tell=_tell,
            )
        )
    _show("Soak", report.document(), as_json=as_json)


@bench.command()
def gate(
    files: Annotated[list[Path], typer.Argument(exists=True, help="Results written by --json.")],
    *,
    floors: Annotated[
        Path | None, typer.Option(exists=True, help="Floors of one's own, as TOML.")
    ] = None,
) -> None:
    """Hold results against the floors that no figure may fall below; exit 1 where one does."""
    from counterfoil.simulator.bench import gate as gates

    with failures_as_messages():
        limits = gates.load_floors(floors.read_text("utf-8") if floors else None)
    documents = [_result_of(file) for file in files]
    found = [(file, one) for file, document in zip(files, documents, strict=True)
             for one in gates.hold(document, limits)]  # fmt: skip
    rows = [
        (file.name, one.name, one.measured, f"{one.bound} {one.limit:,}", _HOLDS[one.holds])
        for file, one in found
    ]
    write_table("Floors", ("result", "figure", "measured", "floor", ""), rows)
    for file, document in zip(files, documents, strict=True):
        if not gates.is_comparable(document):
            drift = document["drift_percent"]
            typer.secho(f"{file.name}: the yardstick drifted by {drift} %; measure again", err=True)
    if not found or not all(one.holds for _, one in found):
        typer.secho("Not every figure holds." if found else "Nothing here has a floor.", err=True)
        sys.exit(1)


_HOLDS = {True: "holds", False: "below"}


def _result_of(file: Path) -> dict[str, Any]:
    """Return what a benchmark wrote; end the command where the file is no such thing."""
    import json

    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as failure:
        raise fail(f"{file}: no JSON that can be read ({failure})") from failure
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        raise fail(f"{file}: not what `counterfoil bench … --json` writes")
    return document


@bench.command()
def evidence(
    *,
    customers: Annotated[int, typer.Option(min=1_000, help="Customers with a loan.")] = 20_000,
    leaves: Annotated[int, typer.Option(min=1_000, help="Leaves of the backlog.")] = 200_000,
    persons: Annotated[int, typer.Option(min=1_000, help="People in the index.")] = 1_000_000,
    seconds: Seconds = 10,
    seed: Seed = 1,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Leaves beside the facts, the log behind them, receipts, audits and the vault."""
    import uvloop

    from counterfoil.simulator.bench import stage as staging
    from counterfoil.simulator.bench.evidence import EvidenceScale, run

    scale = EvidenceScale(
        customers=customers, leaves=leaves, persons=persons, seconds=seconds, seed=seed
    )
    witness = ("-m", "counterfoil.cli", "witness")
    with failures_as_messages(), staging.raised(at) as stage:
        report = uvloop.run(run(stage, scale, _tell, witness=witness))
    _show("Evidence", report.document(), as_json=as_json)


@bench.command()
def decide(
    *,
    rows: Annotated[int, typer.Option(min=10_000, help="Applicants in memory.")] = 2_000_000,
    file_rows: Annotated[
        int, typer.Option(min=0, help="Applicants from file to file; 0 leaves it out.")
    ] = 10_000_000,
    as_json: AsJson = False,
) -> None:
    """Decisions on one thread: one applicant, millions, a boosted card, the gate, zen-engine."""
    import os

    # Read once, when Polars is first imported.
    os.environ["POLARS_MAX_THREADS"] = "1"
    from counterfoil.simulator.bench.decide import run

    with failures_as_messages():
        report = run(rows=rows, file_rows=file_rows, tell=_tell)
    _show("Decisions", report.document(), as_json=as_json)


@bench.command()
def models(
    *,
    wheels: Annotated[
        Path, typer.Option(help="Directory with the wheels that hold public sets.")
    ] = Path("wheels"),
    with_unattributed: Annotated[
        bool,
        typer.Option("--with-unattributed", help="Use a set too whose origin is not stated."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How well each kind of model ranks on public data, and out of time."""
    import os

    # Before numpy is first imported: the figures come out the same again.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from counterfoil.simulator.bench.models import run

    report = run(wheels, with_unattributed=with_unattributed, tell=_tell)
    _show("Models", report.document(), as_json=as_json)


def _show(title: str, document: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        write_json(document)
        return
    results = document["results"]
    assert isinstance(results, dict)
    rows = [
        (
            name,
            f"{r['value']:,} {r['unit']}",
            "—" if r["ratio"] is None else f"{r['ratio']} × {r['ratio_to']}",
            r["target"],
            {True: "yes", False: "no", None: "—"}[r["reached"]],
            r["p50_ms"],
            r["p99_ms"],
        )
        for name, r in results.items()
    ]
    columns = ("figure", "value", "ratio", "target", "reached", "p50 ms", "p99 ms")
    write_table(f"{title} · {document['machine']} · {document['date']}", columns, rows)
    marks = document["yardsticks"]
    assert isinstance(marks, dict)
    write_table("Yardsticks", ("sign", "value"), [(k, f"{v:,}") for k, v in marks.items()])
    if not results:
        typer.secho("The books did not hold together: no result.", err=True)
        sys.exit(1)
