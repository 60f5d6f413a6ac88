"""Cases of whole loans sold to an investor and bought back, with the journals of both sides."""

from collections.abc import Mapping

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Case


def figures(case: Case) -> Mapping[str, object]:
    """Refuse: journals of whole-loan transfers are not computed by the conventions."""
    raise NotCovered(f"the event 'asset_transfer_request' of {case.id}")
