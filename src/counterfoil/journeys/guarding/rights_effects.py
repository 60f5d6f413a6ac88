"""What answering a person's request does, and what of it the answer tells.

Invariant   Every effect can be carried out again: a consent withdrawn twice is withdrawn once.
"""

from collections.abc import Mapping
from typing import Any, Final

from counterfoil.consents.state import Status
from counterfoil.decisioning.review import About
from counterfoil.decisioning.wishes import Choice
from counterfoil.features.feature import Value
from counterfoil.journeys.consenting.consent import consents_of
from counterfoil.journeys.consenting.consent import withdraw as withdraw_consent
from counterfoil.journeys.deciding.choose import choose
from counterfoil.journeys.deciding.explain_decision import explain_decision
from counterfoil.journeys.guarding.correct_person import FIELDS, correct_person
from counterfoil.journeys.guarding.erase import read_privacy
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing import profile
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.privacy.correction_store import set_restriction
from counterfoil.privacy.refusals import RIGHTS_ABOUT_UNKNOWN
from counterfoil.privacy.retention import State, load_schedule
from counterfoil.privacy.rights import Right, RightsRequest

#: What the answer tells was done, as it is kept with the answer.
Effect = Mapping[str, Any]
_CHANNEL: Final = "rights"
#: What a restriction ends, and what contract and law demand beside it.
STOPPED: Final = ("decisions_by_machine_alone", "personal_offers", "exports_to_learn_from")
GOES_ON: Final = ("repayment", "accounting", "reports_to_the_bureau", "measures_against_risk")


async def carry_out(
    house: House, actor: Actor, request: RightsRequest, value: Value | None
) -> Effect | Refused:
    """Do what a request asks, as far as the machine does it."""
    match request.kind:
        case Right.VIEW | Right.COPY:
            return {"exported": True}
        case Right.CORRECT:
            return await _correct(house, actor, request, value)
        case Right.DELETE:
            return await _delete(house, request)
        case Right.RESTRICT:
            return await _restrict(house, actor, request)
        case Right.EXPLAIN:
            return await _explain(house, request)
        case Right.OBJECT:
            return await _object(house, request)


async def _correct(
    house: House, actor: Actor, request: RightsRequest, value: Value | None
) -> Effect | Refused:
    """State a fact anew; without a value it is contested, and somebody looks."""
    if request.about in FIELDS:
        return await correct_person(house, actor, request, value)
    if request.about not in house.registry.features:
        return refuse(RIGHTS_ABOUT_UNKNOWN, about=request.about or "-")
    done = await profile.correct(
        house, actor, customer_id=request.customer_id, name=request.about, value=value
    )
    if isinstance(done, Refused):
        return done
    return {"corrected" if value is not None else "contested": request.about}


async def _restrict(house: House, actor: Actor, request: RightsRequest) -> Effect | Refused:
    """Stop what is optional and what the machine does beyond the contract, and say what goes on.

    From now on a person decides, offers are the standard ones, and no export of data to learn from
    has the customer in it.
    """
    for choice in (Choice.PERSON_DECIDES, Choice.STANDARD_OFFER):
        chosen = await choose(
            house,
            customer_id=request.customer_id,
            choice=choice,
            is_on=True,
            channel=_CHANNEL,
        )
        if isinstance(chosen, Refused):
            return chosen
    async with house.database.transaction() as connection:
        await set_restriction(
            connection,
            customer_id=request.customer_id,
            restriction_id=house.ids.next(),
            is_on=True,
            request_id=request.request_id,
            set_by=actor.name,
            reason="the person's right",
            at=house.clock.now(),
        )
    return {
        "withdrawn": await _stop_optional(house, request),
        "stopped": list(STOPPED),
        "goes_on": list(GOES_ON),
    }


async def _delete(house: House, request: RightsRequest) -> Effect:
    """Stop what is optional, and name for each class whether it goes and what keeps it."""
    withdrawn = await _stop_optional(house, request)
    on = await house.business_date()
    privacy = await read_privacy(house, request.customer_id)
    standings = {item.data_class: item for item in privacy.standings}
    held = any(hold.lifted_at is None for hold in privacy.holds)
    erasable, kept, gone = [], [], []
    for code, data_class in load_schedule().classes.items():
        standing = standings.get(code)
        if standing is not None and standing.state is State.ERASED:
            gone.append(code)
        elif standing is not None and data_class.is_over(standing.ended_on, on) and not held:
            erasable.append(code)
        else:
            last = None if standing is None else data_class.keep_until(standing.ended_on)
            kept.append(
                {
                    "data_class": code,
                    "rule": data_class.rule,
                    "years": data_class.floor_years,
                    "after": data_class.ceiling,
                    "until": None if last is None else last.isoformat(),
                }
            )
    return {"withdrawn": withdrawn, "erasable": erasable, "kept": kept, "gone": gone}


async def _stop_optional(house: House, request: RightsRequest) -> list[str]:
    """Withdraw every consent to what is optional; return which."""
    consents, _ = await consents_of(house, request.customer_id)
    stopped = []
    for consent in consents:
        notice = house.notices.version(consent.notice_code, consent.notice_version)
        if consent.status is not Status.GIVEN or notice is None or not notice.is_optional:
            continue
        record = ids.to_text(ids.CONSENT, consent.consent_id)
        done = await withdraw_consent(
            house,
            customer_id=request.customer_id,
            consent_id=consent.consent_id,
            channel=_CHANNEL,
            idempotency_key=f"{ids.to_text(ids.RIGHTS_REQUEST, request.request_id)}-{record}",
        )
        if not isinstance(done, Refused):
            stopped.append(record)
    return stopped


async def _explain(house: House, request: RightsRequest) -> Effect | Refused:
    """Explain the last decision on an application, in both languages."""
    try:
        application_id = ids.from_text(ids.APPLICATION, request.about)
    except ids.InvalidIdError:
        return refuse(RIGHTS_ABOUT_UNKNOWN, about=request.about or "-")
    found = await explain_decision(
        house,
        about=About.APPLICATION,
        customer_id=request.customer_id,
        subject_id=application_id,
    )
    if isinstance(found, Refused):
        return found
    return {
        "decision_no": found.decision_no,
        "zh": [found.told.text.zh, *(reason.text.zh for reason in found.told.reasons)],
        "en": [found.told.text.en, *(reason.text.en for reason in found.told.reasons)],
    }


async def _object(house: House, request: RightsRequest) -> Effect | Refused:
    """Have a person decide from now on, and stop what is optional."""
    chosen = await choose(
        house,
        customer_id=request.customer_id,
        choice=Choice.PERSON_DECIDES,
        is_on=True,
        channel=_CHANNEL,
    )
    if isinstance(chosen, Refused):
        return chosen
    return {"person_decides": True, "withdrawn": await _stop_optional(house, request)}
