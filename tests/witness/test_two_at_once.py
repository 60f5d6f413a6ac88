"""Requests that come together: one wins, and no head is ever put back."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier

import pytest
from tests.witness.conftest import Desk
from tests.witness.log import ORIGIN, Log

from counterfoil.witness import durable
from counterfoil.witness.home import WitnessHome, WitnessHomeError


def test_of_two_requests_at_once_only_one_wins_and_the_larger_is_not_rolled_back(
    desk: Desk, log: Log
) -> None:
    desk.witness.add_checkpoint(log.request(0, 4))
    for old in range(4, 24, 4):
        requests = [log.request(old, old + grown) for grown in (1, 2, 3, 4)]
        barrier = Barrier(len(requests))

        def send(request: bytes, barrier: Barrier = barrier) -> int:
            barrier.wait()
            return desk.witness.add_checkpoint(request).status

        with ThreadPoolExecutor(len(requests)) as pool:
            statuses = list(pool.map(send, requests))
        assert sorted(statuses) == [200, 409, 409, 409]
        won = old + 1 + statuses.index(200)
        assert (desk.home.head(ORIGIN) or b"").split(b"\n")[1] == str(won).encode()
        desk.witness.add_checkpoint(log.request(won, old + 4))


def test_a_request_that_comes_while_another_is_stored_sees_its_head(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = durable.replace
    answers: list[int] = []

    def slowly(path: Path, content: bytes) -> None:
        # The second one is asked for while the first is at the disk; it has to wait.
        second = pool.submit(desk.witness.add_checkpoint, log.request(0, 3))
        assert not wait([second], timeout=0.2).done
        replace(path, content)
        monkeypatch.setattr(durable, "replace", replace)
        second.add_done_callback(lambda done: answers.append(done.result().status))

    monkeypatch.setattr(durable, "replace", slowly)
    with ThreadPoolExecutor(1) as pool:
        assert desk.witness.add_checkpoint(log.request(0, 5)).status == 200
    assert answers == [409]


def test_one_process_at_a_time_writes_heads(desk: Desk) -> None:
    other = WitnessHome(desk.path)
    with pytest.raises(WitnessHomeError, match="another process"), other.locked():
        pass
    desk.close()
    with other.locked():
        pass


def test_a_head_that_cannot_be_stored_is_not_cosigned(
    desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    desk.witness.add_checkpoint(log.request(0, 3))
    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", full)
        with pytest.raises(OSError, match="No space"):
            desk.witness.add_checkpoint(log.request(3, 4))
    assert desk.witness.add_checkpoint(log.request(3, 5)).status == 200
