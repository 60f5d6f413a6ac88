"""The reference bureau when it fails, as it is served, and at its door."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.simulator.bureau_stage import Stage
from tests.unit.bureau.paper_log import (
    ID_NUMBER,
    LENDER,
    NAME,
    NOW,
    PaperLog,
    question,
)

from counterfoil.bureau.fields import FACTS
from counterfoil.bureau.http_bureau import PATH, HttpBureau
from counterfoil.bureau.jose import KeyFileSigner
from counterfoil.bureau.membership import tls_of
from counterfoil.bureau.question import (
    Answer,
    Answered,
    Declined,
    Fault,
    NoAnswer,
    Question,
    Reading,
    Unfit,
)
from counterfoil.simulator.bureau import faults
from counterfoil.simulator.bureau.books import Books
from counterfoil.simulator.bureau.member import members_of
from counterfoil.simulator.bureau.server import make_app, server_of


@pytest.fixture(scope="module")
def log() -> PaperLog:
    return PaperLog()


@pytest.fixture
def stage(tmp_path: Path, log: PaperLog) -> Iterator[Stage]:
    log.leaves.clear()
    made = Stage(tmp_path, log)
    yield made
    made.books.close()


async def one(stage: Stage, fault: faults.Fault) -> tuple[Question, Answer]:
    stage.desk.plan.by_person[ID_NUMBER] = fault
    asked = question(stage.log)
    return asked, await stage.ask(asked)


@pytest.mark.parametrize("fault", [faults.Fault.DOWN, faults.Fault.ANSWER_LOST, faults.Fault.LATE])
async def test_what_went_wrong_on_the_way_goes_through_when_asked_again(
    stage: Stage, fault: faults.Fault
) -> None:
    asked, answer = await one(stage, fault)
    assert isinstance(answer, NoAnswer)
    again = await stage.ask(asked)
    assert isinstance(again, Answered)
    assert len(stage.books.inquiries_of_member(LENDER)) == 1


async def test_a_refusal_is_for_good(stage: Stage) -> None:
    _, answer = await one(stage, faults.Fault.REFUSES)
    assert answer == Declined("service_refused")


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (faults.Fault.MALFORMED, Fault.MALFORMED),
        (faults.Fault.UNREADABLE, Fault.MALFORMED),
        (faults.Fault.OTHER_PERSON, Fault.ANOTHER_PERSON),
    ],
)
async def test_an_answer_that_does_not_fit_is_found_out(
    stage: Stage, fault: faults.Fault, found: Fault
) -> None:
    asked, answer = await one(stage, fault)
    assert isinstance(answer, Answered)
    unfit = stage.port.check(answer.sealed, asked)
    assert isinstance(unfit, Unfit)
    assert unfit.fault is found


@pytest.mark.parametrize(
    ("fault", "mark"),
    [
        (faults.Fault.THIN_FILE, "thin_file"),
        (faults.Fault.DISPUTED, "disputed"),
        (faults.Fault.FRAUD_WARNING, "fraud_warning"),
    ],
)
async def test_what_a_report_can_bear_is_marked(
    stage: Stage, fault: faults.Fault, mark: str
) -> None:
    asked, answer = await one(stage, fault)
    assert isinstance(answer, Answered)
    assert stage.port.check(answer.sealed, asked) is None
    reading = stage.port.read(answer.sealed, asked.jti, FACTS)
    assert isinstance(reading, Reading)
    assert reading.marks == {mark}


async def test_a_bureau_that_answers_twice_differently_is_shown_by_its_bytes(stage: Stage) -> None:
    asked, first = await one(stage, faults.Fault.DUPLICATE)
    second = await stage.ask(asked)
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)
    assert first.sealed != second.sealed
    assert first.reference != second.reference


async def test_the_next_inquiries_go_wrong_in_turn(stage: Stage) -> None:
    stage.desk.plan.upcoming += [faults.Fault.REFUSES]
    assert isinstance(await stage.ask(question(stage.log, number=1)), Declined)
    assert isinstance(await stage.ask(question(stage.log, number=2)), Answered)


def test_two_own_reports_a_year_are_free(stage: Stage) -> None:
    stage.desk.today = None
    year = 365 * 86_400
    given = [stage.desk.own_report(ID_NUMBER, NAME, now=NOW) for _ in range(3)]
    later = stage.desk.own_report(ID_NUMBER, NAME, now=NOW + year)
    assert [own and own.is_free for own in [*given, later]] == [True, True, False, True]
    assert stage.desk.own_report(ID_NUMBER, "王五", now=NOW) is None


# Over the network


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[str]:
    app = make_app(stage.desk, now=lambda: stage.now, is_sandbox=True)
    server = server_of(app, stage.home, host="127.0.0.1", port=0)
    # In a thread: its own signal handlers stay out, its loop is its own.
    stage.books.close()
    ready = threading.Event()

    def run() -> None:
        stage.desk.books = Books(stage.home / "books.sqlite")
        ready.set()
        server.run()
        stage.desk.books.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    [listening] = server.servers
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


async def test_it_answers_over_mutual_tls_and_takes_operators_wishes(stage: Stage) -> None:
    async with served(stage) as url:
        membership = replace(stage.membership, url=url)
        signer = KeyFileSigner(membership.signing_key)
        async with HttpBureau(membership, signer) as port:
            asked = question(stage.log)
            answer = await port.ask(asked)
            assert isinstance(answer, Answered)
            assert port.check(answer.sealed, asked) is None
        async with httpx.AsyncClient(base_url=url, verify=tls_of(membership)) as client:
            faults_set = await client.put("/faults", json={"upcoming": ["down"]})
            assert faults_set.json()["upcoming"] == ["down"]
            assert (await client.post("/date", json={"today": "2026-02-01"})).status_code == 200
            assert (await client.get("/counts")).json() == {"answered": 1, "refused": 0}
            withdrawn = await client.post("/v1/withdrawals", json={"consents": ["c1"]})
            assert withdrawn.status_code == 204
            assert (await client.post(PATH)).status_code == 401
        async with HttpBureau(membership, signer) as port:
            assert isinstance(await port.ask(question(stage.log, number=2)), NoAnswer)


async def test_without_a_certificate_or_below_tls_1_3_there_is_no_connection(stage: Stage) -> None:
    async with served(stage) as url:
        bare = ssl.create_default_context(cafile=str(stage.membership.directory / "authority.pem"))
        async with httpx.AsyncClient(base_url=url, verify=bare) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(PATH, content=b"x")
        old = tls_of(stage.membership)
        old.minimum_version = ssl.TLSVersion.TLSv1_2
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        async with httpx.AsyncClient(base_url=url, verify=old) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(PATH, content=b"x")


async def test_a_dead_bureau_is_no_answer(stage: Stage) -> None:
    membership = replace(stage.membership, url="https://127.0.0.1:9")
    async with HttpBureau(membership, KeyFileSigner(membership.signing_key)) as port:
        assert await port.ask(question(stage.log)) == NoAnswer("ConnectError")


def test_enrolling_again_keeps_the_keys(stage: Stage, tmp_path: Path) -> None:
    before = stage.membership.signing_key.read_bytes()
    again = stage.enrol(tmp_path / "lender")
    assert again.signing_key.read_bytes() == before
    assert len(members_of(stage.home)) == 1
    assert stage.membership.signing_key.stat().st_mode & 0o777 == 0o600
