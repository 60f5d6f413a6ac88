"""Thousands of agreements signed by simulated customers, for demonstrations, benchmarks and tests.

The same texts, checks, codes and leaves as `contract.py`, in a handful of statements for
thousands. Nobody reads here: the moments at which a simulated customer was shown the texts lie as
far back as reading takes, and the evidence names the channel `sandbox`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.contracts import store
from counterfoil.contracts.contract import (
    Act,
    Contract,
    Part,
    Present,
    Showing,
    refuse_signature,
    signed,
)
from counterfoil.contracts.one_time_code import StoredCode, mac_of, new_code, refuse_code
from counterfoil.contracts.refusals import OFFER_NOT_APPROVED
from counterfoil.contracts.template import Authentication
from counterfoil.customers.verification_policy import Act as IdentityAct
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.contracting.contract import code_to_keep, signing_policy
from counterfoil.journeys.contracting.contract_making import (
    Made,
    borrowers_of,
    keep,
    keys_for,
    make,
    offer_of,
    present_template,
    setting_on,
    signing_leaf,
)
from counterfoil.journeys.contracting.contract_words import Borrower
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.identity import refuse_acts
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED

#: Large enough that statements cost nothing a contract, small enough that none runs long.
CONTRACTS_AT_ONCE: Final = 1_000
CHANNEL: Final = "sandbox"
#: Reads longer than is asked for.
_EXTRA_SECONDS: Final = 7
#: Between the sheet and the agreement.
_SECONDS_BETWEEN: Final = 3

#: Customer and application.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A signed contract with what goes with it."""

    made: Made
    showings: tuple[Showing, ...]
    code: StoredCode


async def sign_for_sandbox(
    house: House, keys: Sequence[Key], *, language: Language = Language.CHINESE
) -> list[Contract | Refused]:
    """Prepare, show and sign the agreements of approved offers; answers in the order given.

    One that is signed already is given again; one whose customer's key or record is damaged is
    refused, and no other. Their files are issued when somebody asks for them.
    """
    answers: list[Contract | Refused] = []
    for start in range(0, len(keys), CONTRACTS_AT_ONCE):
        answers += await _sign_some(house, keys[start : start + CONTRACTS_AT_ONCE], language)
    return answers


async def _sign_some(
    house: House, keys: Sequence[Key], language: Language
) -> list[Contract | Refused]:
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        found = await decisions.lock_applications(connection, keys)
        answers: dict[Key, Contract | Refused] = dict(await store.read_signed(connection, keys))
        waiting = [key for key in dict.fromkeys(keys) if key not in answers]
        borrowers = await borrowers_of(
            connection, house, [key[0] for key in waiting], reading("contract_text")
        )
        unchecked = await refuse_acts(
            house, connection, IdentityAct.OPENING, [key[0] for key in waiting]
        )
        done: list[_Done] = []
        for key in waiting:
            outcome = unchecked.get(key[0]) or _sign_one(
                house, found.get(key), borrowers[key[0]], language, on=on, now=now
            )
            if isinstance(outcome, Refused):
                answers[key] = outcome
            else:
                done.append(outcome)
                answers[key] = outcome.made.contract
        sealing = await keys_for(connection, house, [one.made for one in done])
        answers |= {
            key: refuse(CIPHERTEXT_REJECTED) for key in waiting if key[0] in sealing.damaged
        }
        done = [one for one in done if one.made.contract.customer_id in sealing.found]
        if done:
            await store.supersede_open(connection, [_key(one) for one in done])
            await keep(connection, house, [one.made for one in done], sealing.found)
            await store.add_showings(connection, _showings(done))
            await store.put_codes(connection, [one.code for one in done])
            leaves = [signing_leaf(house, one.made.contract) for one in done]
            await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    return [answers[key] for key in keys]


def _key(done: _Done) -> Key:
    return done.made.contract.customer_id, done.made.contract.application_id


def _showings(done: Sequence[_Done]) -> list[tuple[int, int, Showing]]:
    return [
        (one.made.contract.customer_id, one.made.contract.contract_id, showing)
        for one in done
        for showing in one.showings
    ]


def _sign_one(
    house: House,
    application: Application | None,
    borrower: Borrower | Refused,
    language: Language,
    *,
    on: date,
    now: datetime,
) -> _Done | Refused:
    """Go through a signature as `contract.sign` does, with nothing written."""
    if application is None:
        return refuse(APPLICATION_NOT_FOUND)
    if application.status is not Status.APPROVED:
        return refuse(OFFER_NOT_APPROVED, status=application.status.value)
    if isinstance(borrower, Refused):
        return borrower
    terms = house.catalogue.terms(application.product_code, application.product_version)
    made = make(house, offer_of(application), setting_on(house, terms, on, now), borrower)
    if isinstance(made, Refused):
        return made
    contract = made.contract
    least = house.settings.cost_sheet_reading_seconds
    showings = _simulated(language, now - timedelta(seconds=least + _EXTRA_SECONDS))
    act = Act(
        language,
        contract.sha256_of(language),
        contract.cost_sheet_sha256,
        Authentication.SUBSTANTIAL,
        CHANNEL,
    )
    present = Present(present_template(house, terms, on), offer_holds=True, on=on, now=now)
    refused = refuse_signature(contract, act, list(showings), present, least_seconds=least)
    if refused:
        return refused
    code = _confirmed(house, contract, language, showings[-1].shown_at, now)
    if isinstance(code, Refused):
        return code
    policy = signing_policy(house)
    done = signed(contract, act, list(showings), at=now, pdf_due=False, identity_policy=policy)
    return _Done(made=Made(contract=done, texts=made.texts), showings=showings, code=code)


def _simulated(language: Language, begin: datetime) -> tuple[Showing, Showing]:
    later = begin + timedelta(seconds=_SECONDS_BETWEEN)
    return (
        Showing(Part.COST_SHEET.value, language.value, begin),
        Showing(Part.AGREEMENT.value, language.value, later),
    )


def _confirmed(
    house: House, contract: Contract, language: Language, sent_at: datetime, now: datetime
) -> StoredCode | Refused:
    """Send a code, have it entered, and check it like any other."""
    code = new_code()
    stored = code_to_keep(house, contract, language, code, at=sent_at)._replace(attempts=1)
    sha256 = contract.sha256_of(language)
    entered = mac_of(house.code_key, contract.customer_id, contract.contract_id, sha256, code)
    return refuse_code(stored, entered, now) or stored._replace(used_at=now)
