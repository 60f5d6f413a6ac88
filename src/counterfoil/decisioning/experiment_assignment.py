"""Who is in an experiment and in which of its arms: a keyed hash, the same for ever.

Method      HMAC-SHA256 under the installation's key places a customer in a layer, and, under the
            experiment's own number, in an arm. The two are independent, and so are experiments:
            who had the challenger once is no likelier to have the next.
Invariant   Two experiments that hold different parts of one layer never share a customer. The
            arm of a customer does not depend on when or how often it is asked for.
Units       Places and shares in ppm; a place lies from 0 to 999,999.
Follows     RFC 2104 (HMAC); overlapping layers as Tang et al. 2010, section 3.
"""

import hmac
from hashlib import sha256
from typing import Final

from counterfoil.decisioning.experiment import ALL_PPM, ArmPlan, Experiment

_PLACE_BITS: Final = 64


def place_in_layer(key: bytes, layer: str, customer_id: int) -> int:
    """Return where in a layer a customer stands, in ppm."""
    return _place(key, b"layer", layer.encode(), customer_id)


def is_in(key: bytes, experiment: Experiment, customer_id: int) -> bool:
    """Tell whether a customer stands in the part of the layer that an experiment holds."""
    place = place_in_layer(key, experiment.layer, customer_id) - experiment.layer_from_ppm
    return 0 <= place < experiment.layer_share_ppm


def arm_of(
    key: bytes, experiment_id: int, experiment: Experiment, customer_id: int
) -> ArmPlan | None:
    """Return the arm of a customer; None for one who is not in the experiment."""
    if not is_in(key, experiment, customer_id):
        return None
    place = _place(key, b"arm", str(experiment_id).encode(), customer_id)
    for arm in experiment.arms:
        if place < arm.share_ppm:
            return arm
        place -= arm.share_ppm
    raise AssertionError("the arms share out all customers")


def is_drawn(key: bytes, experiment_id: int, experiment: Experiment, customer_id: int) -> bool:
    """Tell whether a customer is drawn for a control group, should the score alone decline."""
    assert experiment.budget is not None, "only a control group draws"
    if not is_in(key, experiment, customer_id):
        return False
    place = _place(key, b"control", str(experiment_id).encode(), customer_id)
    return place < experiment.budget.share_ppm


def _place(key: bytes, use: bytes, name: bytes, customer_id: int) -> int:
    """Return the first 64 bits of the hash as a share of a whole, rounded down."""
    # Neither use nor name holds a zero byte, so no two questions hash the same text.
    text = b"\0".join((use, name, str(customer_id).encode()))
    first = int.from_bytes(hmac.digest(key, text, sha256)[: _PLACE_BITS // 8], "big")
    return first * ALL_PPM >> _PLACE_BITS
