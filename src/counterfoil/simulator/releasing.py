"""The demonstration's staff bring templates and the trained policy into force: two, three persons.

People      Ana develops, Val validates, Bo approves: nobody carries a model or a policy through
            alone. All are invented; what they do takes the journeys that people take.
Model       The shipped one, learned from the first recorded clients, validated on the others.
Gate        Generated applications, and some of the clients held out with what became of them, by
            two engines, against the version in force, with groups of people compared.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import load_policy, shipped_model
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.contracting.publish_template import publish_template, request_template
from counterfoil.journeys.contracting.template_gate import TemplateWish
from counterfoil.journeys.deciding import decide
from counterfoil.journeys.deciding.follow_policies import PolicyFollower
from counterfoil.journeys.deciding.publish_model import (
    approve_model,
    publish_model,
    record_validation,
    register_model,
)
from counterfoil.journeys.deciding.publish_policy import (
    publish_policy,
    request_publication,
    run_gate,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.models.artefact import Artefact, read_artefact
from counterfoil.models.question import Question
from counterfoil.models.recipe import read_recipe
from counterfoil.models.thresholds import load_thresholds
from counterfoil.models.validation import validate
from counterfoil.models.validation_file import Wish, read_material, read_reference
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.simulator.card_clients import FIRST, LATER
from counterfoil.simulator.model_example import (
    POLICY,
    cases_of,
    clients_of,
    outcomes_of,
    recipe,
)

ANALYST: Final = Actor(name="demo.ana", role="risk_analyst", source="demo")
VALIDATOR: Final = Actor(name="demo.val", role="risk_analyst", source="demo")
COMPLIANCE: Final = Actor(name="demo.bo", role="compliance", source="demo")
#: Generated applications that the gate looks at, enough for every segment; of the clients held out
#: every other beside them: enough that a group's share is not an accident.
GENERATED_COUNT: Final = 2_000
GIVEN_EVERY = 2

_BETTER: Final = "ranks better than the points card on clients whom it never saw"
_WORDS: Final = "the first words of what customers sign"
_SOUND: Final = "sound on the clients held out"
_READ: Final = "read the report"

Made = TypeVar("Made")


async def release(house: House, *, product_code: str) -> Policy:
    """Publish the trained model, then the policy by it; return what decides from now on."""
    trained = load_policy(POLICY)
    await _release_model(house, read_artefact(shipped_model(f"{POLICY}.json")))
    asked = decide.ask(house, trained, product_code, None, on=await house.business_date())
    await _publish(house, trained, _made(asked))
    follower = PolicyFollower(
        *(house.database, house.policies, house.clock, house.metrics),
        *(house.registries, house.templates),
    )
    await follower.read()
    assert house.policies.origination.policy.hash == trained.hash, "it was just published"
    return trained


async def publish_templates(house: House) -> None:
    """Publish the templates of contracts that come with the program, unless it was done before."""
    async with house.database.connection() as connection:
        await house.templates.follow(connection)
    known = {one.ref for one in house.shelf.published()}
    for proposal in house.templates.shipped:
        if proposal.template.ref not in known:
            wish = TemplateWish(proposal=proposal)
            await agree(house, await request_template(house, ANALYST, wish, reason=_WORDS))
            _made(await publish_template(house, ANALYST, wish, reason=_WORDS))


async def agree(house: House, approval: Approval | Refused) -> None:
    """Have the approver give what was asked for."""
    number = _made(approval).approval_id
    _made(await decide_approval(house, COMPLIANCE, number, is_approved=True, reason=_READ))


async def _release_model(house: House, artefact: Artefact) -> None:
    sha256 = artefact.sha256
    _made(await register_model(house, ANALYST, artefact, reason=_BETTER))
    await agree(house, await record_validation(house, VALIDATOR, validation_of(), reason=_SOUND))
    _made(await approve_model(house, ANALYST, sha256, reason=_BETTER))
    _made(await publish_model(house, ANALYST, sha256, reason=_BETTER))


async def _publish(house: House, policy: Policy, asked: Asked) -> None:
    async with house.database.connection() as connection:
        report = await run_gate(
            connection,
            policy,
            asked,
            replayed=0,
            generated=GENERATED_COUNT,
            at=house.clock.now(),
            given=given_cases(policy, asked),
        )
    await agree(house, await request_publication(house, ANALYST, report, reason=_BETTER))
    _made(await publish_policy(house, ANALYST, policy, reason=_BETTER))


def given_cases(policy: Policy, asked: Asked) -> Sequence[GateCase]:
    """Return some of the clients held out as applications, with what became of them."""
    names = [feature.name for feature in policy.features]
    frame = cases_of(clients_of(LATER[::GIVEN_EVERY]), policy.features)
    return [
        GateCase({name: row[name] for name in names}, asked, is_bad=row["defaulted"] == 1)
        for row in frame.iter_rows(named=True)
    ]


@lru_cache(maxsize=1)
def validation_of() -> dict[str, Any]:
    """Return what validating the shipped model on the clients held out finds; same every time."""
    artefact = read_artefact(shipped_model(f"{POLICY}.json"))
    wish = Wish(recipe=read_recipe(recipe()))
    with TemporaryDirectory() as folder:
        first, later = Path(folder) / "train.csv", Path(folder) / "later.csv"
        outcomes_of(clients_of(FIRST)).write_csv(first)
        outcomes_of(clients_of(LATER)).write_csv(later)
        material = read_material(later, artefact, wish)
        question = Question(
            data_sha256=material.data_sha256,
            thresholds=load_thresholds(),
            reference=read_reference(first, artefact, wish),
        )
        return validate(material.cases, question)


def _made(answer: Made | Refused) -> Made:
    """Return what nobody had a reason to refuse."""
    assert not isinstance(answer, Refused), answer
    return answer
