"""The agreement of a line, from the offer to the customer's signature.

The story   The agreement is prepared from the approved offer. The cost sheet is shown by itself,
            then the agreement; with it a one-time code goes out. Who the customer is was checked as
            for opening a line. The customer signs with the hashes of both texts and the code: the
            signature is written together with the leaf that commits to it. Taking the offer asks
            for the signed agreement.
Invariant   What is signed was shown, in that language, long enough, before the offer ended, and is
            the present text. An attempt at a code is counted before anybody looks whether it fits.
Repetition  The same key gives the first answer; a code is given out with the first answer only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.contract import (
    Act,
    Contract,
    Part,
    Present,
    Showing,
    refuse_opening,
    refuse_order,
    refuse_signature,
    signed,
)
from counterfoil.contracts.one_time_code import (
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.contracts.refusals import (
    CODE_EXPIRED,
    CODES_USED_UP,
    CONTRACT_EXPIRED,
    CONTRACT_NOT_FOUND,
    CONTRACT_NOT_SIGNED,
    CONTRACT_SUPERSEDED,
    OFFER_NOT_APPROVED,
)
from counterfoil.customers.verification_policy import Act as IdentityAct
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.contracting.contract_making import (
    Texts,
    borrower_of,
    keep_one,
    make,
    offer_of,
    open_texts,
    present_template,
    setting_on,
    signing_leaf,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving.identity import refuse_act
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import store as lending
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection


class SignedAgreement(NamedTuple):
    """The agreement under which a line is opened."""

    contract_id: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Shown:
    """A part that was shown, with the code where this was the agreement and the first answer."""

    answer: Answer
    #: None where the code went out by a channel of its own, or was given before.
    code: str | None


async def prepare(
    house: House, *, customer_id: int, application_id: int, idempotency_key: str
) -> Answer | Refused:
    """Prepare the agreement of an approved offer; an open one that still fits is given again."""
    on, now = await house.business_date(), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        key = (customer_id, application_id)
        application = (await decisions.lock_applications(connection, [key])).get(key)
        refused = _refuse_offer(application, on)
        if refused or application is None:
            return refused or refuse(APPLICATION_NOT_FOUND)
        found = (await store.read_signed(connection, [key])).get(key) or (
            await store.read_open(connection, [key])
        ).get(key)
        if found is not None and _still_fits(house, found, application, on):
            return _text(found)
        borrower = await borrower_of(connection, house, customer_id, reading("contract_text"))
        if isinstance(borrower, Refused):
            return borrower
        terms = house.catalogue.terms(application.product_code, application.product_version)
        made = make(house, offer_of(application), setting_on(house, terms, on, now), borrower)
        if isinstance(made, Refused):
            return made
        await store.supersede_open(connection, [key])
        await keep_one(connection, house, made)
        return _text(made.contract)

    request: dict[str, object] = {"application_id": application_id}
    return await once_for(
        house,
        customer_id,
        "prepare_contract",
        idempotency_key,
        request,
        work,
        twin=CONTRACT_SUPERSEDED,
    )


async def show(
    house: House,
    *,
    customer_id: int,
    contract_id: int,
    part: Part,
    language: Language,
    idempotency_key: str,
) -> Shown | Refused:
    """Note that a part was opened; with the agreement a one-time code goes to the customer."""
    now = house.clock.now()
    code = new_code() if part is Part.AGREEMENT else None

    async def work(connection: Connection) -> str | Refused:
        contract = await store.lock_contract(connection, customer_id, contract_id)
        if contract is None:
            return refuse(CONTRACT_NOT_FOUND)
        present = await _present(connection, house, contract, now)
        showings = await store.read_showings(connection, customer_id, contract_id)
        refused = refuse_opening(contract, present) or refuse_order(part, language, showings)
        if refused:
            return refused
        showing = Showing(part.value, language.value, now)
        await store.add_showings(connection, [(customer_id, contract_id, showing)])
        if code is not None:
            stored = code_to_keep(house, contract, language, code, at=now)
            if not await store.put_codes(connection, [stored]):
                return refuse(CODES_USED_UP)
        return _shown_text(house, contract, showing, has_code=code is not None)

    request: dict[str, object] = {"contract_id": contract_id, "part": part, "language": language}
    answer = await once_for(
        house,
        customer_id,
        "show_contract",
        idempotency_key,
        request,
        work,
        twin=CONTRACT_SUPERSEDED,
    )
    if isinstance(answer, Refused):
        return answer
    if code is None or answer.is_replay:
        return Shown(answer=answer, code=None)
    try:
        # After the commit: a code that is on its way is one that can be used.
        visible = await house.codes.deliver(
            customer_id=customer_id, contract_id=contract_id, code=code
        )
    except RefusedError as error:
        return error.refused
    return Shown(answer=answer, code=visible)


async def sign(
    house: House,
    *,
    customer_id: int,
    contract_id: int,
    act: Act,
    code: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Take the customer's signature; the lender's follows when the file is issued."""
    now = house.clock.now()
    request: dict[str, object] = {
        "contract_id": contract_id,
        "language": act.language,
        "document_sha256": act.document_sha256.hex(),
        "cost_sheet_sha256": act.cost_sheet_sha256.hex(),
    }
    kind = "sign_contract"
    seen = await _remembered(house, customer_id, idempotency_key, kind, request)
    if seen is not None:
        return seen
    stored = await _try_code(house, customer_id, contract_id, act, code, now)
    if isinstance(stored, Refused):
        return stored

    async def work(connection: Connection) -> str | Refused:
        contract = await store.lock_contract(connection, customer_id, contract_id)
        if contract is None:
            return refuse(CONTRACT_NOT_FOUND)
        showings = await store.read_showings(connection, customer_id, contract_id)
        present = await _present(connection, house, contract, now)
        refused = _refuse(house, contract, act, showings, present)
        if refused:
            return refused
        if not await store.use_code(connection, stored, at=now):
            return refuse(CODE_EXPIRED)
        policy = signing_policy(house)
        done = signed(contract, act, showings, at=now, pdf_due=True, identity_policy=policy)
        await store.change_signed(connection, done)
        await EVIDENCE.stage_leaves.execute(connection, rows=[signing_leaf(house, done)])
        return _text(done)

    return await once_for(
        house, customer_id, kind, idempotency_key, request, work, twin=CONTRACT_SUPERSEDED
    )


async def read_texts(
    house: House, *, customer_id: int, contract_id: int
) -> tuple[Contract, Texts] | Refused:
    """Return a contract with what it says; the customer may read it at any time."""
    async with house.database.connection() as connection:
        contract = await store.read_contract(connection, customer_id, contract_id)
        if contract is None:
            return refuse(CONTRACT_NOT_FOUND)
        try:
            texts = await open_texts(connection, house, contract)
        except RefusedError as error:
            return error.refused
    return texts if isinstance(texts, Refused) else (contract, texts)


async def contracts_of(
    house: House,
    *,
    customer_id: int,
    page: int = store.LISTED_MAX,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[Contract]:
    """Return a page of the contracts of a customer, newest first."""
    async with house.database.connection() as connection:
        return await store.read_contracts_of(
            connection, customer_id, page=page, before=before, is_back=is_back
        )


async def require_signed(
    connection: Connection, applications: Sequence[Application]
) -> dict[tuple[int, int], SignedAgreement | Refused]:
    """Return the signed agreements behind offers, or for each why there is none."""
    keys = [(one.customer_id, one.application_id) for one in applications]
    found = await store.read_signed(connection, keys)
    return {
        key: _signed_or_refused(found.get(key), application)
        for key, application in zip(keys, applications, strict=True)
    }


def signing_policy(house: House) -> str | None:
    """Return the hash of the document by which who signs is checked; None where nobody is."""
    return house.identity_policy.sha256 if house.settings.identity_required else None


def code_to_keep(
    house: House, contract: Contract, language: Language, code: str, *, at: datetime
) -> StoredCode:
    """Return what is kept of a code that confirms the text in a language."""
    customer_id, contract_id = contract.customer_id, contract.contract_id
    sha256 = contract.sha256_of(language)
    mac = mac_of(house.code_key, customer_id, contract_id, sha256, code)
    return StoredCode(customer_id, contract_id, mac, at, at + VALID_FOR, 0)


def contract_answer(contract: Contract) -> dict[str, object]:
    """Return what an answer says of a contract: nothing personal, and no text."""
    effective, replaces = contract.effective_on, contract.replaces
    return {
        "id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "customer_id": ids.to_text(ids.CUSTOMER, contract.customer_id),
        "application_id": ids.to_text(ids.APPLICATION, contract.application_id),
        "state": contract.state,
        "product_code": contract.product_code,
        "product_version": contract.product_version,
        "lender_id": contract.lender_id,
        "template": f"{contract.template_code}/{contract.template_version}",
        "currency": contract.currency,
        "limit_minor": contract.limit_minor,
        "rate_daily_e8": contract.rate_daily_e8,
        "prepared_on": contract.prepared_on.isoformat(),
        "valid_until": contract.valid_until.isoformat(),
        "document_sha256": {"zh": contract.sha256_zh.hex(), "en": contract.sha256_en.hex()},
        "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
        "replaces": None if replaces is None else ids.to_text(ids.CONTRACT, replaces),
        "effective_on": None if effective is None else effective.isoformat(),
        "changes": None if contract.changes is None else list(contract.changes),
        "is_binding": contract.is_binding,
        "from_limit_minor": contract.from_limit_minor,
        "from_rate_daily_e8": contract.from_rate_daily_e8,
        "signed_at": None if contract.signed_at is None else contract.signed_at.isoformat(),
        "signed_language": contract.signed_language,
        "pdf_sha256": None if contract.pdf_sha256 is None else contract.pdf_sha256.hex(),
    }


def _refuse_offer(application: Application | None, on: date) -> Refused | None:
    if application is None:
        return refuse(APPLICATION_NOT_FOUND)
    if application.status is not Status.APPROVED:
        return refuse(OFFER_NOT_APPROVED, status=application.status.value)
    assert application.valid_until is not None, "an approved application has an offer"
    if on > application.valid_until:
        return refuse(CONTRACT_EXPIRED, valid_until=application.valid_until.isoformat())
    return None


def _still_fits(house: House, contract: Contract, application: Application, on: date) -> bool:
    """Tell whether a contract is what would be made today; a signed one needs only the offer."""
    if not _is_of_offer(contract, application):
        return False
    if contract.signed_at is not None:
        return True
    terms = house.catalogue.terms(application.product_code, application.product_version)
    template = present_template(house, terms, on)
    return template is not None and contract.is_of(template) and contract.prepared_on == on


def _is_of_offer(contract: Contract, application: Application) -> bool:
    return (
        contract.limit_minor == application.limit_minor
        and contract.rate_daily_e8 == application.rate_daily_e8
        and contract.product_version == application.product_version
    )


def _signed_or_refused(
    contract: Contract | None, application: Application
) -> SignedAgreement | Refused:
    if contract is None:
        return refuse(CONTRACT_NOT_SIGNED)
    if not _is_of_offer(contract, application):
        return refuse(CONTRACT_SUPERSEDED)
    return SignedAgreement(contract.contract_id, contract.signed_sha256)


async def _present(
    connection: Connection, house: House, contract: Contract, now: datetime
) -> Present:
    """Return what holds now: template, offer or line, business date."""
    on = await house.business_date()
    terms = house.catalogue.terms(contract.product_code, contract.product_version)
    key = (contract.customer_id, contract.application_id)
    if contract.replaces is None:
        application = await decisions.read_application(
            connection, customer_id=key[0], application_id=key[1]
        )
        holds = (
            application is not None
            and application.status is Status.APPROVED
            and _is_of_offer(contract, application)
        )
    else:
        line = await lending.read_line(connection, *key)
        holds = line is not None and line.contract_id == contract.replaces
    return Present(present_template(house, terms, on), holds, on, now)


def _refuse(
    house: House, contract: Contract, act: Act, showings: list[Showing], present: Present
) -> Refused | None:
    least = house.settings.cost_sheet_reading_seconds
    return refuse_signature(contract, act, showings, present, least_seconds=least)


async def _try_code(
    house: House, customer_id: int, contract_id: int, act: Act, code: str, now: datetime
) -> StoredCode | Refused:
    """Return the stored code where it fits; whatever else is wrong costs no attempt."""
    async with house.database.connection() as connection:
        contract = await store.read_contract(connection, customer_id, contract_id)
        if contract is None:
            return refuse(CONTRACT_NOT_FOUND)
        showings = await store.read_showings(connection, customer_id, contract_id)
        present = await _present(connection, house, contract, now)
        refused = _refuse(house, contract, act, showings, present)
        refused = refused or await refuse_act(house, connection, IdentityAct.OPENING, customer_id)
        if refused:
            return refused
        # A statement of its own: the attempt stays counted whatever becomes of the rest.
        stored = await store.try_code(connection, customer_id, contract_id)
    mac = mac_of(house.code_key, customer_id, contract_id, act.document_sha256, code)
    refused = refuse_code(stored, mac, now)
    assert refused or stored is not None, "a code that is not there is refused"
    return refused or stored  # type: ignore[return-value]


async def _remembered(
    house: House, customer_id: int, key: str, kind: str, request: dict[str, object]
) -> Answer | Refused | None:
    wanted = idempotency.request_hash(kind, request)
    async with house.database.connection() as connection:
        return await idempotency.remember(connection, customer_id, key, wanted)


def _text(contract: Contract) -> str:
    return orjson.dumps(contract_answer(contract), option=orjson.OPT_SORT_KEYS).decode()


def _shown_text(house: House, contract: Contract, showing: Showing, *, has_code: bool) -> str:
    expires = showing.shown_at + VALID_FOR if has_code else None
    answer = {
        "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "customer_id": ids.to_text(ids.CUSTOMER, contract.customer_id),
        "part": showing.part,
        "language": showing.language,
        "shown_at": showing.shown_at.isoformat(),
        "reading_seconds_min": house.settings.cost_sheet_reading_seconds,
        "document_sha256": contract.sha256_of(Language(showing.language)).hex(),
        "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
        "code_expires_at": None if expires is None else expires.isoformat(),
        "code": None,
    }
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()
