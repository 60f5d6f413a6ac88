"""The log as background jobs: one numbers leaves, one publishes heads, one watches.

Any number of processes have them; the one with the lock works. Each job looks at the clock often
and does something at its own pace.
"""

from counterfoil.evidence.publisher import Desk
from counterfoil.journeys.house import House
from counterfoil.journeys.proving.publish_log import Integrating, Publishing
from counterfoil.journeys.proving.watch_log import Watching
from counterfoil.worker.loop import Job


def log_jobs(house: House, desk: Desk | None) -> list[Job]:
    """Return the jobs of the log; without a desk leaves are numbered and nothing is signed."""
    integrating, watching = Integrating(house), Watching(house, desk)
    jobs = [
        Job(name="log_integrate", step=integrating.step, close=integrating.close),
        Job(name="log_watch", step=watching.step, close=watching.close),
    ]
    if desk is not None:
        publishing = Publishing(house, desk)
        jobs.append(Job(name="log_publish", step=publishing.step, close=publishing.close))
    return jobs
