"""Why a consent does not allow a use: each reason has its own code and its own way on; pure.

Order       Whose it is was asked before; then what for, at whom, for which application; then
            whether it has ended, whether it has begun, whether more is asked for by now than was
            agreed to, and last how often it was used.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from counterfoil.consents.consent import Consent, Use
from counterfoil.consents.refusals import (
    CONSENT_EXPIRED,
    CONSENT_FOR_ANOTHER_APPLICATION,
    CONSENT_FOR_ANOTHER_PURPOSE,
    CONSENT_FOR_ANOTHER_RECIPIENT,
    CONSENT_NOT_YET_VALID,
    CONSENT_OUTDATED,
    CONSENT_USED_UP,
    CONSENT_WITHDRAWN,
)
from counterfoil.consents.state import Status
from counterfoil.kernel.errors import Refusal, Refused, refuse

_ENDED: Final[Mapping[Status, Refusal]] = {
    Status.WITHDRAWN: CONSENT_WITHDRAWN,
    Status.EXPIRED: CONSENT_EXPIRED,
    Status.USED_UP: CONSENT_USED_UP,
}


def why_not(consent: Consent, use: Use, notice_versions: Sequence[int]) -> Refused:
    """Return why a consent of this customer, read under its lock, did not allow a use."""
    if refused := _is_for_something_else(consent, use):
        return refused
    if consent.status in _ENDED:
        return refuse(_ENDED[consent.status])
    if use.now > consent.not_after:
        return refuse(CONSENT_EXPIRED)
    if use.now < consent.not_before:
        return refuse(CONSENT_NOT_YET_VALID)
    if consent.notice_version not in notice_versions:
        return refuse(CONSENT_OUTDATED, version=consent.notice_version)
    return refuse(CONSENT_USED_UP)


def _is_for_something_else(consent: Consent, use: Use) -> Refused | None:
    if consent.purpose != use.purpose:
        return refuse(CONSENT_FOR_ANOTHER_PURPOSE, agreed=consent.purpose, wanted=use.purpose)
    if consent.recipient != use.recipient:
        return refuse(CONSENT_FOR_ANOTHER_RECIPIENT, agreed=consent.recipient, wanted=use.recipient)
    if consent.application_id not in {None, use.application_id}:
        return refuse(CONSENT_FOR_ANOTHER_APPLICATION)
    return None
