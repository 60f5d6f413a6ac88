"""A witness with a home of its own, and a log that it trusts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.witness.log import Log, a_key

from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.note import SigningKey
from counterfoil.witness.home import WitnessHome
from counterfoil.witness.key import format_key
from counterfoil.witness.witness import Witness

NAME = "witness.test.example/w1"


class Desk:
    """A witness that can be closed and opened again, and its clock."""

    def __init__(self, path: Path, key: SigningKey) -> None:
        self.path = path
        self.key = key
        self.now = 1_800_000_000
        self.home = WitnessHome(path)
        self.home.create_key(format_key(key))
        self._stack = ExitStack()
        self.witness = self.open()

    def open(self) -> Witness:
        """Start the witness anew, as after a restart."""
        self._stack.close()
        home = self._stack.enter_context(self.home.locked())
        self.witness = Witness(home, self.key, lambda: self.now)
        return self.witness

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def desk(tmp_path: Path, log: Log) -> Iterator[Desk]:
    opened = Desk(tmp_path / "witness", a_key("witness", Algorithm.COSIGNATURE_ED25519, NAME))
    opened.home.trust(log.key.name, log.key.verifier.text)
    yield opened
    opened.close()
