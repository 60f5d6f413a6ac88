"""The other parties of a sandbox, each a process of its own with its own directory and key.

Who         Three witnesses, as a regulator, the bureau and a funding bank would run them, and the
            reference bureau. What they run is what others would run; that all of them run on one
            machine is what makes this a sandbox: witnesses that the lender runs prove nothing.
Policy      The quorum names the regulator, and any other: a split view would need the regulator.
The bureau  Knows the invented persons of a demonstration, if there was one; everybody else is new
            to it. Each start exchanges addresses anew, keys stay.
Ending      Each is ended by its own process number; the directory can be taken up again.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.evidence.log_files import POLICY
from counterfoil.evidence.signer import FileSigner
from counterfoil.journeys.proving.publish_log import begin_log, key_directory_of, write_policy
from counterfoil.journeys.proving.publish_log import directory_of as directory_of_log
from counterfoil.kernel.clock import Clock, SystemClock
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.simulator.bureau import member
from counterfoil.simulator.bureau.books import Books, KnownPerson
from counterfoil.witness.home import WitnessHome, WitnessHomeError
from counterfoil.witness.key import format_key, new_key, parse_key

REGULATOR: Final = "regulator"
#: Witnesses by the names that the policy gives them, with the names of their keys.
WITNESSES: Final[Mapping[str, str]] = {
    REGULATOR: "witness.regulator.example/w1",
    "bureau": "witness.bureau.example/w1",
    "fundbank": "witness.fundbank.example/w1",
}
BUREAU: Final = "credit-bureau"
#: File with the policy's lines about witnesses, as they run now.
POLICY_LINES: Final = "witnesses"
#: Who is who at the reference bureau; the notices that come along name the same.
BUREAU_ID: Final = "bureau.example"
LENDER_ID: Final = "lender.example"
ORGANISATION: Final = "X000EXAMPLE001"
#: Linux: a signal to a process whose parent has died.
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 5
_LOOK_SECONDS: Final = 0.02


class PartyError(Exception):
    """A party did not start; the message names its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One process that is running."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path


def directory_of(home: Path) -> Path:
    """Return where the parties of an installation have their directories."""
    return home / "parties"


def forget(home: Path) -> None:
    """Remove the parties' directories: a book that begins anew has a new log."""
    shutil.rmtree(directory_of(home), ignore_errors=True)


def make_witnesses(home: Path, log_keys: Sequence[str]) -> None:
    """Make the witnesses' keys where there are none, and let them witness a log."""
    for name, key_name in WITNESSES.items():
        place = WitnessHome(directory_of(home) / name)
        try:
            place.read_key()
        except WitnessHomeError:
            place.create_key(format_key(new_key(key_name)))
        for text in log_keys:
            place.trust(text.partition("+")[0], text)


def policy_text(home: Path, ports: Mapping[str, int]) -> str:
    """Return the policy's lines about witnesses, with the addresses at which they are now."""
    lines = []
    for name in WITNESSES:
        key = parse_key(WitnessHome(directory_of(home) / name).read_key()).verifier.text
        lines.append(f"witness {name} {key} http://127.0.0.1:{ports[name]}")
    others = " ".join(name for name in WITNESSES if name != REGULATOR)
    lines += [f"group others any {others}", f"group q all {REGULATOR} others", "quorum q"]
    return "".join(f"{line}\n" for line in lines)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def introduce(home: Path, people: Iterable[KnownPerson]) -> None:
    """Let the reference bureau know persons; its home is made where there is none."""
    place = directory_of(home) / BUREAU
    member.make_home(place, bureau=BUREAU_ID, now=SystemClock().now())
    books = Books(place / member.BOOKS)
    books.add_people(people)
    books.close()


@asynccontextmanager
async def sandbox(settings: Settings, url: str, clock: Clock) -> AsyncIterator[Settings]:
    """Run the other parties; give the settings of a lender that has come to terms with them."""
    home = settings.home
    ports = {name: free_port() for name in (*WITNESSES, BUREAU)}
    async with Database(url, connections_max=1) as database:
        origin = await begin_log(settings, database, clock)
    keys = FileSigner(key_directory_of(settings), origin).verifiers()
    make_witnesses(home, [key.text for key in keys])
    witnesses = directory_of(home) / POLICY_LINES
    witnesses.write_text(policy_text(home, ports), encoding="utf-8")
    settings = settings.model_copy(update={"witnesses": witnesses})
    async with Database(url, connections_max=1) as database:
        policy = await write_policy(settings, database, clock, origin)
    assert policy is not None, "witnesses are named"
    membership = _enrolled(settings, ports[BUREAU], clock)
    commands = {name: _command(home, name, ports[name]) for name in ports}
    async with running(home, commands, ports):
        yield settings.model_copy(update={"bureau_membership": membership})


def _enrolled(settings: Settings, port: int, clock: Clock) -> Path:
    """Exchange keys and addresses with the bureau; return the lender's side of it."""
    place = directory_of(settings.home) / BUREAU
    introduce(settings.home, [])
    return member.enrol(
        place,
        settings.home / "membership",
        issuer=LENDER_ID,
        organisation=ORGANISATION,
        url=f"https://127.0.0.1:{port}",
        policy=(directory_of_log(settings) / POLICY).read_text(encoding="utf-8"),
        own_witness="bureau",
        now=clock.now(),
    ).directory


def _command(home: Path, name: str, port: int) -> Sequence[str]:
    place = ("--home", str(directory_of(home) / name), "--port", str(port))
    if name == BUREAU:
        return ("bureau", "serve", *place, "--sandbox")
    return ("witness", "serve", *place)


@asynccontextmanager
async def running(
    home: Path, commands: Mapping[str, Sequence[str]], ports: Mapping[str, int]
) -> AsyncIterator[list[Party]]:
    """Run commands of the product as processes that listen; end them afterwards."""
    parties = [start(home, name, command, ports[name]) for name, command in commands.items()]
    try:
        await asyncio.gather(*map(_listening, parties))
        yield parties
    finally:
        await asyncio.gather(*map(_ended, parties))


def start(home: Path, name: str, command: Sequence[str], port: int) -> Party:
    """Start a command of the product as a process; it need not listen yet."""
    log = directory_of(home) / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "counterfoil.cli", *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            # A party lives in a directory of its own and is told nothing of the lender's.
            env={key: value for key, value in os.environ.items() if "COUNTERFOIL" not in key},
            start_new_session=True,
            # Runs in the child before it is anybody; it takes no lock and allocates nothing.
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
    return Party(name=name, process=process, port=port, log=log)


def _end_with_parent() -> None:
    """Let the system end this process when the one that started it is gone, however it went."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _listening(party: Party) -> None:
    """Wait until the process accepts connections."""
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while party.process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", party.port)
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            writer.close()
            return
    raise PartyError(f"{party.name} did not start; see {party.log}")


async def _ended(party: Party) -> None:
    """End the process by its number: orderly, and if it does not end, at once."""
    if party.process.poll() is not None:
        return
    party.process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(party.process.wait, _STOP_SECONDS)
    except subprocess.TimeoutExpired:
        party.process.kill()
        await asyncio.to_thread(party.process.wait)
