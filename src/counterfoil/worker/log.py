"""The log as background jobs: one numbers leaves, one publishes heads.

Any number of processes have them; the one with the lock works. Each job looks at the clock often
and does something at its own pace.
"""

from counterfoil.evidence.publisher import Desk
from counterfoil.journeys.house import House
from counterfoil.journeys.publish_log import Integrating, Publishing
from counterfoil.worker.loop import Job


def integrate_job(house: House) -> Job:
    """Return the job that numbers staged leaves."""
    integrating = Integrating(house)
    return Job(name="log_integrate", step=integrating.step, close=integrating.close)


def publish_job(house: House, desk: Desk) -> Job:
    """Return the job that signs, has witnessed and publishes."""
    publishing = Publishing(house, desk)
    return Job(name="log_publish", step=publishing.step, close=publishing.close)
