"""What a decision read, told as events: statements, checks, reports, and what the policy concluded.

Record      The application or request itself, with the basis on which its values were read. What
            it says never changes, so each is told once.
Restricted  An income and its like become events only under a consent whose notice named that kind
            of information, with its warning; without one nothing of it is kept here.
Consent     Of a report: the one under which it was opened for this decision.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from counterfoil.bureau.opening_store import MachineOpening
from counterfoil.consents.consent import Consent
from counterfoil.consents.notice import Notices
from counterfoil.decisioning.feature import Feature as Declaration
from counterfoil.decisioning.lineage_store import DecisionRead
from counterfoil.decisioning.policy import Policy
from counterfoil.features.event import Draft, EventKind
from counterfoil.features.feature import Value
from counterfoil.features.registry import Registry
from counterfoil.kernel import ids

#: Source of a declared feature → the kind of event that its values come from.
KINDS: Final = {
    "identity": "identity_check",
    "application": "credit_request",
    "applicant": "statement",
    "recorded_history": "history_brought",
    "bureau": "bureau_report",
}
_CONCLUSION: Final = "policy_decision"
_PREFIXES: Final = {"application": ids.APPLICATION, "limit_request": ids.LIMIT_REQUEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known beside the decisions of one customer."""

    registry: Registry
    notices: Notices
    #: In the order of their numbers.
    openings: Sequence[MachineOpening]
    consents: Sequence[Consent]


def record_of_decision(decision: DecisionRead) -> str:
    """Return the text by which events name a decision's subject."""
    prefix = _PREFIXES.get(decision.about)
    if prefix is None:
        return f"{decision.about}:{decision.subject_id}"
    return ids.to_text(prefix, decision.subject_id)


def decision_drafts(decision: DecisionRead, policy: Policy, around: Surroundings) -> list[Draft]:
    """Return the events that a decision tells of."""
    groups: dict[tuple[str, str, str, str], dict[str, Value]] = {}
    for feature in policy.features:
        value = decision.features.get(feature.name)
        kind = around.registry.kinds.get(KINDS.get(feature.source, ""))
        if value is None or kind is None or feature.name not in kind.members:
            continue
        restricted = _restricted(around.registry, kind, feature.name)
        key = (feature.source, feature.legal_basis, _purpose(feature, policy), restricted)
        groups.setdefault(key, {})[feature.name] = value
    drafts = []
    for (source, basis, purpose, restricted), facts in groups.items():
        record = "/".join(filter(None, (record_of_decision(decision), basis, restricted)))
        draft = _draft(decision, KINDS[source], source, record, purpose, basis, facts)
        drafts.append(_under_consent(draft, decision, restricted, around))
    return [*drafts, _conclusion(decision, policy, around.registry)]


def _purpose(feature: Declaration, policy: Policy) -> str:
    return feature.consent_purpose or policy.purpose


def _restricted(registry: Registry, kind: EventKind, name: str) -> str:
    """Return the category of a member that needs a written consent; empty for others."""
    category = kind.members[name].category
    return category if registry.is_restricted(category) else ""


def _under_consent(
    draft: Draft, decision: DecisionRead, restricted: str, around: Surroundings
) -> Draft:
    """Name the consent that an event stands under, as far as it needs one."""
    if restricted:
        return draft._replace(consent_id=_written_consent(around, restricted, decision))
    if not around.registry.sources[draft.source].names_consent:
        return draft
    opening = _opening_for(decision, draft.purpose, around.openings)
    if opening is None:
        return draft
    life = timedelta(seconds=max(opening.life_seconds, 0))
    return draft._replace(consent_id=opening.consent_id, expires_at=decision.decided_at + life)


def _written_consent(around: Surroundings, category: str, decision: DecisionRead) -> int | None:
    """Return a consent whose notice asked for a restricted kind, given by then; None without."""
    decided_at = decision.decided_at.timestamp()
    for consent in around.consents:
        notice = around.notices.version(consent.notice_code, consent.notice_version)
        asked = frozenset() if notice is None else notice.scope.data
        if category in asked and consent.not_before <= decided_at <= consent.not_after:
            return consent.consent_id
    return None


def _opening_for(
    decision: DecisionRead, purpose: str, openings: Sequence[MachineOpening]
) -> MachineOpening | None:
    """Return the opening that a decision's facts left by: the first behind its subject's number."""
    later = (one for one in openings if one.opening_id > decision.subject_id)
    return next((one for one in later if one.purpose == purpose), None) or next(
        (one for one in openings if one.opening_id > decision.subject_id), None
    )


def _conclusion(decision: DecisionRead, policy: Policy, registry: Registry) -> Draft:
    said: Mapping[str, Value | None] = {
        "outcome": decision.outcome,
        "grade": decision.grade,
        "points": decision.points,
        "policy": f"{policy.code}-{policy.version}",
    }
    members = registry.kinds[_CONCLUSION].members
    facts = {
        name: value
        for name, value in said.items()
        if value is not None and name in members and _fits(value, members[name].values)
    }
    record = record_of_decision(decision)
    return _draft(decision, _CONCLUSION, "own_model", record, policy.purpose, "contract", facts)


def _fits(value: Value, values: Iterable[str]) -> bool:
    """Tell whether a text is one of a list; a grade nobody registered is not told."""
    known = tuple(values)
    return not known or value in known


def _draft(
    decision: DecisionRead,
    kind: str,
    source: str,
    record: str,
    purpose: str,
    basis: str,
    facts: Mapping[str, Value],
) -> Draft:
    return Draft(
        customer_id=decision.customer_id,
        kind=kind,
        source=source,
        source_record=record,
        line_id=None,
        purpose=purpose,
        legal_basis=basis,
        consent_id=None,
        occurred_on=date.fromisoformat(decision.as_of),
        occurred_at=decision.decided_at,
        known_at=decision.decided_at,
        expires_at=None,
        facts=facts,
    )
