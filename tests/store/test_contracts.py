"""Contracts on a real database: once under concurrency, in sets, and nothing without keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)
from tests.store.applicants import Counter
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.contracts.contract import Act, Contract, Part
from counterfoil.contracts.pades import ContainerRejectedError, seal_of
from counterfoil.contracts.paper import DeferredSeals
from counterfoil.contracts.pdf import render
from counterfoil.contracts.port import Lender, LenderSeal
from counterfoil.contracts.seal_places import CERTIFICATE, CERTIFICATES, SealPlaces
from counterfoil.contracts.template import Authentication
from counterfoil.contracts.verifying import KnownSeal, verify_contract
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.contracting import contract as journey
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.contracting.contract_issue import contract_file
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.clock import SystemClock, TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import PostgresError
from counterfoil.platform.queries import Query
from counterfoil.privacy.data_keys import key_of
from counterfoil.privacy.vault import Purpose

ONE = Lender("lender-one", "Lender One", "贷款人一")
TWO = Lender("lender-two", "Lender Two", "贷款人二")


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


def code_of(outcome: object) -> str:
    return outcome.code if isinstance(outcome, Refused) else "ok"


async def shown(house: House, view: ApplicationView) -> tuple[int, Act, str]:
    """Prepare and show an agreement; return it, the act that signs it, and the code."""
    prepared = await journey.prepare(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        idempotency_key="prepare",
    )
    assert isinstance(prepared, Answer), prepared
    fields = orjson.loads(prepared.text)
    contract_id = ids.from_text(ids.CONTRACT, fields["id"])
    code = None
    for part in Part:
        seen = await journey.show(
            house,
            customer_id=view.customer_id,
            contract_id=contract_id,
            part=part,
            language=Language.CHINESE,
            idempotency_key=f"show-{part}",
        )
        assert not isinstance(seen, Refused), seen
        code = seen.code
    assert code is not None
    act = Act(
        Language.CHINESE,
        bytes.fromhex(fields["document_sha256"]["zh"]),
        bytes.fromhex(fields["cost_sheet_sha256"]),
        Authentication.HIGH,
        "api:test",
    )
    return contract_id, act, code


async def test_a_code_signs_once_whoever_comes_at_the_same_time(branch: Branch) -> None:
    house = branch.house
    view = await Counter(house).apply()
    contract_id, act, code = await shown(house, view)
    assert isinstance(house.clock, TestClock)
    house.clock.advance(timedelta(seconds=5))
    answers = await asyncio.gather(
        *(
            journey.sign(
                house,
                customer_id=view.customer_id,
                contract_id=contract_id,
                act=act,
                code=code,
                idempotency_key=f"sign-{number}",
            )
            for number in range(4)
        )
    )
    codes = sorted(code_of(answer) for answer in answers)
    assert codes.count("ok") == 1
    assert set(codes) <= {"ok", "contract_already_signed", "one_time_code_expired"}
    leaves = "SELECT count(*) FROM evidence.leaf_staged WHERE leaf_type = 9"
    assert await branch.value(leaves) == 1
    twice = await asyncio.gather(
        *(
            contract_file(house, customer_id=view.customer_id, contract_id=contract_id)
            for _ in range(3)
        )
    )
    assert len({bytes(file) for file in twice if isinstance(file, bytes)}) == 1
    assert await branch.value(leaves) == 2


async def test_preparing_at_the_same_time_leaves_one_open_contract(branch: Branch) -> None:
    house = branch.house
    view = await Counter(house).apply()
    answers = await asyncio.gather(
        *(
            journey.prepare(
                house,
                customer_id=view.customer_id,
                application_id=view.application_id,
                idempotency_key=f"prepare-{number}",
            )
            for number in range(4)
        )
    )
    assert len({answer.text for answer in answers if isinstance(answer, Answer)}) == 1
    assert await branch.value("SELECT count(*) FROM contracts.contract") == 1


async def test_without_the_key_service_nothing_is_prepared_and_nothing_lost(
    branch: Branch,
) -> None:
    house = branch.house
    view = await Counter(house).apply()
    keys = house.settings.home / "keys"
    [wrapping] = keys.glob("wrapping-*.key")
    away = wrapping.rename(keys / "away")
    asked = {
        "customer_id": view.customer_id,
        "application_id": view.application_id,
        "idempotency_key": "prepare",
    }
    refused = await journey.prepare(house, **asked)  # type: ignore[arg-type]
    assert code_of(refused) == "key_service_unavailable"
    assert await branch.value("SELECT count(*) FROM contracts.contract") == 0
    away.rename(wrapping)
    assert code_of(await journey.prepare(house, **asked)) == "ok"  # type: ignore[arg-type]


async def test_a_text_moved_to_another_contract_does_not_open(branch: Branch) -> None:
    house, counter = branch.house, Counter(branch.house)
    views = [await counter.apply(), await counter.apply()]
    keys = [(view.customer_id, view.application_id) for view in views]
    signed = await sign_for_sandbox(house, keys)
    first, second = (one for one in signed if isinstance(one, Contract))
    await branch.rows(
        "UPDATE contracts.sealed SET ciphertext = (SELECT ciphertext FROM contracts.sealed"
        " WHERE contract_id = $1) WHERE contract_id = $2 RETURNING 1",
        first.contract_id,
        second.contract_id,
    )
    refused = await journey.read_texts(
        house, customer_id=second.customer_id, contract_id=second.contract_id
    )
    assert code_of(refused) == "ciphertext_rejected"
    assert house.vault.rejections.total == 1, "several of them raise the alarm"


async def test_many_are_signed_in_a_handful_of_statements(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, counter = branch.house, Counter(branch.house)
    views = [await counter.apply() for _ in range(8)]
    keys = [(view.customer_id, view.application_id) for view in views]
    statements: list[str] = []
    run = Query.arguments

    def noted(query: Query, values: Mapping[str, object]) -> tuple[object, ...]:
        statements.append(query.name)
        return run(query, values)

    monkeypatch.setattr(Query, "arguments", noted)
    await house.business_date()
    statements.clear()
    await sign_for_sandbox(house, keys[:2])
    few = statements.copy()
    statements.clear()
    signed = await sign_for_sandbox(house, keys[2:])
    assert statements == few
    assert {one.state for one in signed if isinstance(one, Contract)} == {"signed"}
    again = await sign_for_sandbox(house, [*keys[:1], (1, 1)])
    assert isinstance(again[0], Contract)
    assert code_of(again[1]) == "application_not_found"


async def test_a_damaged_key_keeps_back_its_own_customers_contract_alone(branch: Branch) -> None:
    house, counter = branch.house, Counter(branch.house)
    views = [await counter.apply() for _ in range(4)]
    keys = [(view.customer_id, view.application_id) for view in views]
    spoil = "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00' WHERE"
    async with house.database.transaction() as connection:
        await key_of(
            connection, house.vault, keys[0][0], Purpose.CONTRACT, reading("contract_text")
        )
        await connection.execute(f"{spoil} customer_id = {keys[0][0]} AND purpose = 'contract'")
        await connection.execute(f"{spoil} customer_id = {keys[1][0]} AND purpose = 'identity'")
        await connection.execute(
            f"DELETE FROM privacy.data_key WHERE customer_id = {keys[2][0]}"
            " AND purpose = 'identity'"
        )
    signed = await sign_for_sandbox(house, keys)
    assert [code_of(one) for one in signed[:3]] == [
        "ciphertext_rejected",
        "ciphertext_rejected",
        "personal_data_not_found",
    ]
    assert isinstance(signed[3], Contract)


async def test_the_database_too_refuses_a_hold_without_an_agreement(branch: Branch) -> None:
    opening = replace(an_opening(7, 11), contract_id=None, agreement_sha256=None)
    await branch.get(opening)
    with pytest.raises(PostgresError, match="agreement_not_signed"):
        await branch.rows("UPDATE lending.credit_line SET held_minor = 100 RETURNING 1")


def _locked(made: Path, password: bytes) -> bytes:
    """Return a container as it is bought: the same key, behind a password."""
    found = pkcs12.load_pkcs12(made.read_bytes(), None)
    assert found.cert is not None
    assert isinstance(found.key, EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"seal", found.key, found.cert.certificate, None, BestAvailableEncryption(password)
    )


def _sealed(seal: LenderSeal) -> bytes:
    text = "# T\n第一期 1.00\n"
    record = orjson.dumps({"document_sha256": sha256(text.encode()).hexdigest()})
    return seal.seal(
        render(text), {"document.txt": text.encode(), "signature.json": record}, reason="r"
    )


def test_a_container_with_a_password_opens_with_it_alone(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    seal_of(SealPlaces(tmp_path), ONE, now=now)
    locked = tmp_path / "bought.p12"
    locked.write_bytes(_locked(tmp_path / CERTIFICATES / "lender-one.p12", b"secret"))
    other = tmp_path / "other"
    other.mkdir()
    places = SealPlaces(other, container=locked, password="secret")
    # One container for every lender, as an installation of before has it.
    sealed = _sealed(seal_of(places, TWO, now=now))
    pem = (other / CERTIFICATE).read_bytes()
    found = verify_contract(sealed, [KnownSeal(None, pem)])
    assert (found.accepted, found.sealed_by) == (True, None)
    for password in ("wrong", None):
        with pytest.raises(ContainerRejectedError):
            seal_of(places._replace(password=password), ONE, now=now)
    with pytest.raises(ContainerRejectedError):
        seal_of(places._replace(container=tmp_path / "nowhere.p12"), ONE, now=now)


def test_each_lender_seals_with_its_own_key_and_none_with_anothers(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    seals = DeferredSeals(SealPlaces(tmp_path), SystemClock())
    files = {one.lender_id: _sealed(seals.of(one)) for one in (ONE, TWO)}
    known = [
        KnownSeal(pem.name.split(".")[0], pem.read_bytes())
        for pem in sorted((tmp_path / CERTIFICATES).glob("*.pem"))
    ]
    assert [one.lender_id for one in known] == ["lender-one", "lender-two"]
    for lender_id, sealed in files.items():
        found = verify_contract(sealed, known)
        assert (found.accepted, found.sealed_by) == (True, lender_id)
    [of_one] = [one for one in known if one.lender_id == "lender-one"]
    codes = [code for code, _ in verify_contract(files["lender-two"], [of_one]).faults]
    assert codes == ["certificate_unknown"]
    # Containers of one's own: one for each lender, and none that speaks for two.
    bought = tmp_path / "bought"
    bought.mkdir()
    container = _locked(tmp_path / CERTIFICATES / "lender-one.p12", b"secret")
    (bought / "lender-one.p12").write_bytes(container)
    (bought / "lender-two.p12").write_bytes(container)
    home = tmp_path / "home"
    home.mkdir()
    places = SealPlaces(home, folder=bought, password="secret")
    assert verify_contract(_sealed(seal_of(places, ONE, now=now)), known).accepted
    with pytest.raises(ContainerRejectedError, match="lender-two"):
        seal_of(places, TWO, now=now)
    with pytest.raises(ContainerRejectedError):
        seal_of(places, ONE._replace(lender_id="lender-three"), now=now)


def test_the_same_text_renders_to_the_same_bytes() -> None:
    text = "# 合同\n" + "段落 abc 1.00\n" * 90 + "期次 | 到期日\n1 | 2026-02-15\n"
    assert render(text, "# 记录\nx\n") == render(text, "# 记录\nx\n")
    assert render(text) != render(text.replace("1.00", "1.01"))


async def test_nobody_signs_whose_identity_was_not_checked_where_that_is_required(
    branch: Branch,
) -> None:
    house = branch.house
    view = await Counter(house).apply()
    contract_id, act, code = await shown(house, view)
    assert isinstance(house.clock, TestClock)
    house.clock.advance(timedelta(seconds=5))
    strict = replace(house, settings=house.settings.model_copy(update={"identity_required": True}))

    async def sign(where: House) -> object:
        return await journey.sign(
            where,
            customer_id=view.customer_id,
            contract_id=contract_id,
            act=act,
            code=code,
            idempotency_key=f"sign {where is strict}",
        )

    assert code_of(await sign(strict)) == "identity_checks_missing"
    key = (view.customer_id, view.application_id)
    [in_bulk] = await sign_for_sandbox(strict, [key], language=Language.CHINESE)
    assert code_of(in_bulk) == "identity_checks_missing"
    # Nothing was used up: once nothing is missing the same code signs.
    assert isinstance(await sign(house), Answer)
