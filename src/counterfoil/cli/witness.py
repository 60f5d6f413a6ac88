"""`counterfoil witness`: cosigns the heads of logs that belong to somebody else.

Needs neither a database nor settings: everything is in the directory given as `--home`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import output

Home = Annotated[Path, typer.Option(help="Directory of the witness: key, logs, refused requests.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="A witness of transparency logs; run by others than the lender.",
        no_args_is_help=True,
    )
    for command in (init, trust, serve, show, refused, advance):
        group.command()(command)
    app.add_typer(group, name="witness")


def init(
    home: Home,
    name: Annotated[
        str, typer.Option(help="Name of the witness, such as witness.bureau.example/w1.")
    ],
    algorithm: Annotated[
        str, typer.Option(help="ed25519, which every verifier knows, or ml-dsa-44.")
    ] = "ed25519",
) -> None:
    """Make the witness's key and print the line that policies name it by."""
    from counterfoil.witness.home import WitnessHome
    from counterfoil.witness.key import ALGORITHMS, format_key, new_key

    if algorithm not in ALGORITHMS:
        raise output.fail(f"{algorithm} is none of {', '.join(ALGORITHMS)}.")
    with _failures():
        key = new_key(name, ALGORITHMS[algorithm])
        WitnessHome(home).create_key(format_key(key))
    typer.echo(key.verifier.text)


def trust(
    verifier: Annotated[str, typer.Argument(help="Verifier key of the log, from its operator.")],
    *,
    home: Home,
) -> None:
    """Witness a log from now on; a second key of the same log is a rotation."""
    from counterfoil.evidence.formats.algorithms import OF_LOGS
    from counterfoil.evidence.formats.note import VerifierKey
    from counterfoil.witness.home import WitnessHome

    with _failures():
        WitnessHome(home).read_key()
        key = VerifierKey.parse(verifier)
        if key.algorithm not in OF_LOGS:
            raise output.fail("This is a witness's key, not a log's (type 0x01).")
        is_new = WitnessHome(home).trust(key.name, key.text)
    typer.echo(f"{key.name} is witnessed {'from now on' if is_new else 'already'}")


def serve(
    *,
    home: Home,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 7_001,
) -> None:
    """Cosign until interrupted."""
    import uvicorn

    from counterfoil.kernel.clock import SystemClock
    from counterfoil.witness.home import WitnessHome
    from counterfoil.witness.key import parse_key
    from counterfoil.witness.server import make_app
    from counterfoil.witness.witness import Witness

    clock = SystemClock()
    with _failures(), WitnessHome(home).locked() as locked:
        key = parse_key(locked.read_key())
        witness = Witness(locked, key, lambda: clock.milliseconds() // 1_000)
        typer.echo(f"{key.verifier.text} on {host}:{port}")
        uvicorn.run(
            make_app(witness, locked),
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )


def show(*, home: Home, as_json: Json = False) -> None:
    """Show the witness's key, its logs, their last heads and how much was refused."""
    from collections import Counter

    from counterfoil.evidence.formats.lines import format_base64
    from counterfoil.witness.home import WitnessHome
    from counterfoil.witness.key import parse_key
    from counterfoil.witness.witness import read_head, trusted_logs

    with _failures():
        place = WitnessHome(home)
        own = parse_key(place.read_key()).verifier
        refusals = Counter(f"{kept.status} {kept.reason}" for kept in place.refusals())
        logs = []
        for keys in trusted_logs(place):
            head = read_head(place, keys[0].name, own)
            logs.append(
                {
                    "origin": keys[0].name,
                    "keys": [key.text for key in keys],
                    "size": None if head is None else head.checkpoint.size,
                    "root": None if head is None else format_base64(head.checkpoint.root),
                    "cosigned_at": None if head is None else head.time,
                }
            )
    if as_json:
        output.write_json({"witness": own.text, "logs": logs, "refused": dict(refusals)})
        return
    typer.echo(own.text)
    columns = ("origin", "size", "root", "cosigned_at")
    output.write_table("Logs", columns, [[log[column] for column in columns] for log in logs])
    for kind, count in sorted(refusals.items()):
        typer.echo(f"{count} refused: {kind}")


def refused(*, home: Home) -> None:
    """Write every refused request that a log had signed, oldest first, one JSON object a line."""
    import sys

    import orjson

    from counterfoil.witness.home import WitnessHome

    with _failures():
        for kept in WitnessHome(home).refusals():
            line = orjson.dumps(kept, option=orjson.OPT_APPEND_NEWLINE)
            sys.stdout.write(line.decode())


def advance(
    note: Annotated[
        Path, typer.Argument(help="Checkpoint with this witness's cosignature, kept by others.")
    ],
    *,
    home: Home,
) -> None:
    """After a restore: take up a later head that this witness had cosigned. Stop it first."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.witness.home import WitnessHome
    from counterfoil.witness.key import parse_key
    from counterfoil.witness.witness import Witness

    clock = SystemClock()
    with _failures(), WitnessHome(home).locked() as locked:
        key = parse_key(locked.read_key())
        witness = Witness(locked, key, lambda: clock.milliseconds() // 1_000)
        head = witness.advance(note.read_bytes())
    typer.echo(f"{head.checkpoint.origin} is held at {head.checkpoint.size}")


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what a person at the terminal can act on into one line and an exit code."""
    from counterfoil.evidence.formats.reasons import RejectedError
    from counterfoil.witness.home import WitnessHomeError

    try:
        yield
    except (WitnessHomeError, RejectedError, OSError) as failure:
        raise output.fail(str(failure)) from failure
