"""Witnesses for a benchmark: processes of their own on this machine, by the commands they have."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: One must be among the quorum, and any of the others.
NAMES: Final = ("regulator", "bureau", "auditor")
QUORUM: Final = "group others any bureau auditor\ngroup q all regulator others\nquorum q\n"
HOST: Final = "127.0.0.1"
_START_SECONDS_MAX: Final = 30


@dataclass(slots=True)
class Witnesses:
    """Witness processes and the file that names them."""

    command: Sequence[str]
    homes: dict[str, Path]
    ports: dict[str, int]
    #: The witnesses' lines of a policy.
    file: Path
    processes: dict[str, "subprocess.Popen[bytes]"]

    def trust(self, verifier: str) -> None:
        """Have every witness witness a log, and start them."""
        for name, home in self.homes.items():
            _run(self.command, "trust", verifier, "--home", str(home))
            self.processes[name] = subprocess.Popen(
                [sys.executable, *self.command, "serve", *self._where(name)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        for port in self.ports.values():
            _wait_for(port)

    def kill(self, name: str) -> None:
        """End one as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()

    def _where(self, name: str) -> tuple[str, ...]:
        return ("--home", str(self.homes[name]), "--host", HOST, "--port", str(self.ports[name]))


@contextmanager
def witnesses_at(directory: Path, command: Sequence[str]) -> Iterator[Witnesses]:
    """Give witnesses with keys of their own; `command` is what starts `counterfoil witness`."""
    homes = {name: directory / f"witness-{name}" for name in NAMES}
    ports = {name: _free_port() for name in NAMES}
    lines = ""
    for name, home in homes.items():
        own = f"witness.{name}.example/w1"
        verifier = _run(command, "init", "--home", str(home), "--name", own).strip()
        lines += f"witness {name} {verifier} http://{HOST}:{ports[name]}\n"
    file = directory / "witnesses"
    file.write_text(lines + QUORUM, encoding="utf-8")
    made = Witnesses(command, homes, ports, file, {})
    try:
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()


def _run(command: Sequence[str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *command, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"witness {words[0]} failed: {done.stderr[-400:]}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no witness came up on port {port}")
