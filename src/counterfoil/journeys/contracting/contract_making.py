"""Agreements being made: from an offer, its terms and the borrower to texts with hashes, sealed.

Shared by `contract.py` (one customer, with an idempotency key) and `contract_bulk.py` (thousands).
Privacy     Name and identity number stand in the texts and nowhere else; the texts are sealed
            under the customer's key for contracts before they are written.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.contract import Contract, State
from counterfoil.contracts.document import Kind
from counterfoil.contracts.filling import document_text, text_hash
from counterfoil.contracts.refusals import TEMPLATE_NOT_FOUND
from counterfoil.contracts.shelf import UnknownTemplateError
from counterfoil.contracts.template import Template
from counterfoil.decisioning.application import Application
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.journeys.contracting.contract_words import (
    Borrower,
    NewVersion,
    Offer,
    agreement_filling,
    example_drawdown,
)
from counterfoil.journeys.deciding.price_caps import refuse_cost
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending.account import Setting
from counterfoil.lending.terms import Terms
from counterfoil.platform.access_matrix import Reading, reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import envelope
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.data_keys import Keys, existing_key, key_of, keys_of_each
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED, PERSONAL_DATA_NOT_FOUND
from counterfoil.privacy.vault import Purpose

#: Kinds of what is sealed of a contract.
TEXT: Final = "text"
PDF: Final = "pdf"
_TABLE: Final = "contracts.sealed"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Texts:
    """What a contract says; never shown in a log."""

    zh: str
    en: str
    #: The cost sheet as it is hashed.
    cost_sheet: dict[str, Any]

    def of(self, language: Language) -> str:
        """Return the text in a language."""
        return self.zh if language is Language.CHINESE else self.en


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Made:
    """An agreement with its texts."""

    contract: Contract
    texts: Texts


def offer_of(application: Application) -> Offer:
    """Return the offer of an approved application."""
    assert application.limit_minor, "an approved application has a limit"
    assert application.rate_daily_e8, "an approved application has a price"
    assert application.valid_until is not None, "an approved application has an offer"
    return Offer(
        customer_id=application.customer_id,
        application_id=application.application_id,
        limit_minor=application.limit_minor,
        rate_daily_e8=application.rate_daily_e8,
        tenors_months=application.tenors_months,
        valid_until=application.valid_until,
    )


def present_template(house: House, terms: Terms, on: date) -> Template | None:
    """Return the template from which an agreement is made on a date, None where none holds."""
    try:
        return house.shelf.current(
            Kind.CREDIT_AGREEMENT, product_code=terms.code, lender_id=terms.lender_id, on=on
        )
    except UnknownTemplateError:
        return None


def make(
    house: House,
    offer: Offer,
    setting: Setting,
    borrower: Borrower,
    *,
    replaces: NewVersion | None = None,
) -> Made | Refused:
    """Return the agreement of an offer in both languages; nothing is written."""
    terms, on = setting.terms, setting.business_date
    template = present_template(house, terms, on)
    if template is None:
        return refuse(TEMPLATE_NOT_FOUND, product_code=terms.code, on=on.isoformat())
    example = example_drawdown(offer, setting)
    if isinstance(example, Refused):
        return example
    annual_e8 = example.sheet.rate_annual_effective_e8
    refused = refuse_cost(house.catalogue, terms, annual_e8=annual_e8, on=on)
    if refused is not None:
        return refused
    contract_id = setting.ids.next()
    scenes = house.catalogue.scenes.current(on)
    filling = agreement_filling(
        contract_id, offer, example, setting, borrower, scenes=scenes, replaces=replaces
    )
    texts = Texts(
        zh=document_text(template, Language.CHINESE, filling),
        en=document_text(template, Language.ENGLISH, filling),
        cost_sheet=example.sheet.document(),
    )
    contract = Contract(
        customer_id=offer.customer_id,
        contract_id=contract_id,
        application_id=offer.application_id,
        product_code=terms.code,
        product_version=terms.version,
        lender_id=terms.lender_id,
        template_code=template.code,
        template_version=template.version,
        currency=terms.currency,
        limit_minor=offer.limit_minor,
        rate_daily_e8=offer.rate_daily_e8,
        state=State.PREPARED.value,
        prepared_on=on,
        valid_until=offer.valid_until,
        sha256_zh=text_hash(texts.zh),
        sha256_en=text_hash(texts.en),
        cost_sheet_sha256=example.sheet.sheet_hash,
        prepared_at=setting.now,
        replaces=None if replaces is None else replaces.replaced_contract_id,
        effective_on=None if replaces is None else replaces.effective_on,
    )
    return Made(contract=contract, texts=texts)


async def borrowers_of(
    connection: Connection, house: House, customer_ids: Iterable[int], reading: Reading
) -> dict[int, Borrower | Refused]:
    """Return who each customer is, for the texts that they sign and for payees' names.

    Of whom nothing is kept, or nothing opens, the answer says why.
    """
    found = await persons.read_identities(connection, house.vault, customer_ids, reading)
    return {
        customer_id: fields
        if isinstance(fields, Refused)
        else Borrower(fields["name"], fields["id_number"])
        for customer_id, fields in found.items()
    }


async def borrower_of(
    connection: Connection, house: House, customer_id: int, reading: Reading
) -> Borrower | Refused:
    """Return who one customer is, or why that is not known."""
    return (await borrowers_of(connection, house, [customer_id], reading))[customer_id]


async def keys_for(connection: Connection, house: House, made: Sequence[Made]) -> Keys:
    """Return the keys that seal agreements; made where a customer has none yet."""
    customers = {one.contract.customer_id for one in made}
    return await keys_of_each(
        connection, house.vault, customers, Purpose.CONTRACT, reading("contract_text")
    )


async def keep(
    connection: Connection, house: House, made: Sequence[Made], keys: Mapping[int, bytes]
) -> None:
    """Write agreements with their sealed texts, in the caller's transaction."""
    await store.add_contracts(connection, [one.contract for one in made])
    sealed = {}
    for one in made:
        customer_id, contract_id = one.contract.customer_id, one.contract.contract_id
        sealed[customer_id, contract_id] = envelope.encrypt(
            keys[customer_id],
            _packed(one.texts),
            _place(customer_id, contract_id, TEXT),
            house.vault.suite,
        )
    await store.add_sealed(connection, TEXT, sealed)


async def keep_one(connection: Connection, house: House, made: Made) -> None:
    """Write one agreement; raises where the key that would seal it is damaged."""
    customer_id = made.contract.customer_id
    key = await key_of(
        connection, house.vault, customer_id, Purpose.CONTRACT, reading("contract_text")
    )
    await keep(connection, house, [made], {customer_id: key})


async def seal_file(connection: Connection, house: House, contract: Contract, pdf: bytes) -> None:
    """Write the signed file of a contract, sealed like its texts."""
    customer_id, contract_id = contract.customer_id, contract.contract_id
    key = await key_of(
        connection, house.vault, customer_id, Purpose.CONTRACT, reading("contract_text")
    )
    place = _place(customer_id, contract_id, PDF)
    sealed = envelope.encrypt(key, pdf, place, house.vault.suite)
    await store.add_sealed(connection, PDF, {(customer_id, contract_id): sealed})


async def open_texts(connection: Connection, house: House, contract: Contract) -> Texts | Refused:
    """Return the texts of a contract, held against their hashes."""
    opened = await open_sealed(connection, house, contract, TEXT)
    if isinstance(opened, Refused):
        return opened
    fields = orjson.loads(zlib.decompress(opened))
    texts = Texts(zh=fields["zh"], en=fields["en"], cost_sheet=fields["cost_sheet"])
    for language in Language:
        if text_hash(texts.of(language)) != contract.sha256_of(language):
            return refuse(CIPHERTEXT_REJECTED)
    return texts


async def open_sealed(
    connection: Connection, house: House, contract: Contract, kind: str
) -> bytes | Refused:
    """Return what is sealed of a contract; refuses where it or its key was destroyed."""
    customer_id, contract_id = contract.customer_id, contract.contract_id
    sealed = await store.read_sealed(connection, customer_id, contract_id, kind)
    key = await existing_key(
        connection, house.vault, customer_id, Purpose.CONTRACT, reading("contract_text")
    )
    if sealed is None or key is None:
        return refuse(PERSONAL_DATA_NOT_FOUND)
    try:
        place = _place(customer_id, contract_id, kind)
        return house.vault.unseal(Sealer(key), sealed, place)
    except RefusedError as error:
        return error.refused


def signing_leaf(house: House, contract: Contract) -> StagedLeaf:
    """Return the leaf that commits to a signature: hashes and the customer's act, no names."""
    assert contract.evidence is not None, "the contract is signed"
    evidence: dict[str, Any] = orjson.loads(contract.evidence)
    fields: dict[str, Any] = {
        "application_id": ids.to_text(ids.APPLICATION, contract.application_id),
        "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "contract_sha256": contract.signed_sha256.hex(),
        "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
        "customer_signature": evidence,
        "event": "signed",
        "lender": contract.lender_id,
        "product": contract.product_code,
        "product_version": contract.product_version,
        "template": f"{contract.template_code}/{contract.template_version}",
    }
    if contract.replaces is not None:
        fields["replaces"] = ids.to_text(ids.CONTRACT, contract.replaces)
    return house.leaves.stage(
        contract.customer_id, house.ids.next(), LeafType.CONTRACT, contract.contract_id, fields
    )


def setting_on(house: House, terms: Terms, on: date, now: datetime) -> Setting:
    """Return the setting in which an agreement is made."""
    return Setting(terms, on, now, house.ids)


def _packed(texts: Texts) -> bytes:
    fields = {"zh": texts.zh, "en": texts.en, "cost_sheet": texts.cost_sheet}
    return zlib.compress(orjson.dumps(fields), 1)


def _place(customer_id: int, contract_id: int, kind: str) -> bytes:
    return envelope.place(
        _TABLE, "ciphertext", f"{contract_id}/{kind}", customer_id, Purpose.CONTRACT.value
    )
