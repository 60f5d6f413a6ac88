"""Where features may come from, and what each source may be used for.

Invariant   A policy reads a feature only on a legal basis that its source admits and, where that
            is a consent, only for the purpose that the consent was given for. What the bureau
            says is not there before it is asked: eligibility cannot read it.
Refused     Social networks are no source. A third party's data needs a licence that is named.
"""

from typing import Final, NamedTuple

from counterfoil.decisioning.feature import Feature


class Source(NamedTuple):
    """What the features of one source may be used for."""

    #: Legal bases that the source admits.
    bases: frozenset[str]
    #: Whether the bureau or another party has to be asked first.
    is_after_inquiry: bool = False
    #: Whether a consent has to name its purpose.
    names_purpose: bool = False


_ANY: Final = frozenset({"contract", "consent", "law"})
_CONSENT: Final = frozenset({"consent"})

SOURCES: Final = {
    "identity": Source(_ANY),
    "applicant": Source(_ANY),
    "application": Source(_ANY),
    "recorded_history": Source(_ANY),
    #: What `journeys/affording/exposure.py` measures: proven income under its own consent, and
    #: debts everywhere.
    "capacity": Source(frozenset({"consent", "law"}), is_after_inquiry=True),
    "own_behaviour": Source(frozenset({"contract", "law"})),
    #: What a policy or a model of the house concluded before: one layer is read by the next.
    "own_model": Source(frozenset({"contract", "law"})),
    "transactions": Source(_CONSENT, names_purpose=True),
    "bureau": Source(_CONSENT, is_after_inquiry=True, names_purpose=True),
    "third_party": Source(_CONSENT, is_after_inquiry=True, names_purpose=True),
}
LEGAL_BASES: Final = ("contract", "consent", "law")

#: Purpose of a policy: the consents under which it may read what others say.
CONSENT_PURPOSES: Final = {
    "origination": ("inquiry_origination",),
    "limit_increase": ("inquiry_limit_increase",),
    "review": ("inquiry_review",),
}
ORIGINATION: Final = "origination"


def fault_of(feature: Feature, purpose: str) -> tuple[str, str] | None:
    """Return key and reason why a policy of a purpose may not read a feature; None if it may."""
    source = SOURCES[feature.source]
    if feature.legal_basis not in source.bases:
        bases = " or ".join(sorted(source.bases))
        return "legal_basis", f"of the source {feature.source} is {bases}"
    if feature.source == "third_party" and not feature.licence:
        return "licence", "of a third party's data is not named"
    allowed = CONSENT_PURPOSES[purpose]
    if source.names_purpose and not feature.consent_purpose:
        return "consent_purpose", f"is missing; a policy for {purpose} reads under {allowed[0]}"
    if feature.consent_purpose and feature.consent_purpose not in allowed:
        reason = f"is {feature.consent_purpose}, but a policy for {purpose} may read only what was "
        return "consent_purpose", reason + f"consented to for {' or '.join(allowed)}"
    return None
