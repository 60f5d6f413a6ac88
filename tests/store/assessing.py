"""An approved impact assessment, for tests of what begins only with one."""

from datetime import date

from counterfoil.journeys.guarding.assess import NewAssessment, assess, conclude_assessment
from counterfoil.journeys.house import House
from counterfoil.platform.access_matrix import Actor
from counterfoil.privacy.assessment import Assessment, AssessmentAct, Findings, Processing

FINDINGS = Findings(
    purpose="to tell who can repay",
    necessity="nothing milder does",
    risks=("a wrong match",),
    measures=("a person looks at it",),
    decision="go on with the measures",
)


async def assessed(
    house: House,
    subject: str,
    *,
    by: Actor,
    approver: Actor,
    processing: Processing = Processing.SENSITIVE,
) -> bytes:
    """Write and approve an assessment; return its SHA-256."""
    new = NewAssessment(
        processing=processing, subject=subject, findings=FINDINGS, review_on=date(2030, 1, 1)
    )
    made = await assess(house, by, new)
    assert isinstance(made, Assessment), made
    done = await conclude_assessment(
        house,
        approver,
        assessment_id=made.assessment_id,
        step=AssessmentAct.APPROVED,
        reason="looked through it",
    )
    assert isinstance(done, Assessment), done
    return done.sha256
