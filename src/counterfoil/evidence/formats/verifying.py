"""The verifier: what a receipt, a proof, a head or a whole log proves under a policy.

Fails closed: whatever is not shown is rejected. `check_…` gives what was shown or raises,
`verify_…` gives a verdict for a person or a program to read.
Units       Times are POSIX seconds by the witnesses' clocks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from counterfoil.evidence.formats.lines import format_base64
from counterfoil.evidence.formats.merkle import leaf_hash, verify_inclusion
from counterfoil.evidence.formats.merkle import verify_consistency as verify_growth
from counterfoil.evidence.formats.note import Note, parse_note
from counterfoil.evidence.formats.policy import Accepted, Policy
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.witness_protocol import AddCheckpoint

#: Witnesses whose clocks part further than this are not believed.
SPREAD_SECONDS_MAX: Final = 60
#: So far may the verifier's own clock be behind the witnesses'.
LEAD_SECONDS_MAX: Final = 60
#: What stands for the reason of an accepted verdict.
ACCEPTED: Final = "accepted"


class Times(NamedTuple):
    """When witnesses saw a checkpoint."""

    #: The lower one of two in the middle.
    median: int
    earliest: int
    latest: int


@dataclass(frozen=True)
class Freshness:
    """How old a checkpoint may be at an instant."""

    now: int
    seconds_max: int


@dataclass(frozen=True)
class Head:
    """A checkpoint that is believed, and when it was seen."""

    accepted: Accepted
    times: Times


@dataclass(frozen=True)
class Proven:
    """A leaf that is shown to be in a log, and the head under which it is."""

    index: int
    head: Head


@dataclass(frozen=True)
class Verdict:
    """Yes or no, and what was found."""

    refused: Reason | None = None
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Tell whether everything asked for was shown."""
        return self.refused is None

    @property
    def shows_equivocation(self) -> bool:
        """Tell whether the log signed two heads of one size: a proof against it."""
        return self.refused is Reason.SPLIT

    def shape(self) -> dict[str, Any]:
        """Return the verdict for JSON."""
        return {
            "accepted": self.is_accepted,
            "reason": self.refused or ACCEPTED,
            "detail": self.detail,
            **self.facts,
        }


def check_note(note: Note, policy: Policy, fresh: Freshness | None = None) -> Head:
    """Return a checkpoint that the policy believes, with its witnesses' times."""
    accepted = policy.check(note)
    return Head(accepted, _check_times(accepted.times, fresh))


def check_proof(
    proof: TlogProof, leaf: bytes, policy: Policy, fresh: Freshness | None = None
) -> Proven:
    """Return what a proof shows about a leaf hash."""
    head = check_note(proof.note, policy, fresh)
    checkpoint = head.accepted.checkpoint
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return Proven(proof.index, head)


def check_receipt(receipt: Receipt, policy: Policy, fresh: Freshness | None = None) -> Proven:
    """Return what a receipt shows: that its opening is a leaf of the log."""
    proven = check_proof(receipt.proof, receipt.leaf_hash, policy, fresh)
    if receipt.after.size > proven.index:
        # All leaves of a checkpoint that was known beforehand stand before this one.
        raise RejectedError(
            Reason.BODY_AHEAD_OF_LOG, f"knew size {receipt.after.size} at index {proven.index}"
        )
    return proven


def _check_times(by_witness: Mapping[str, int], fresh: Freshness | None) -> Times:
    ordered = sorted(by_witness.values())
    times = Times(ordered[(len(ordered) - 1) // 2], ordered[0], ordered[-1])
    if times.latest - times.earliest > SPREAD_SECONDS_MAX:
        raise RejectedError(
            Reason.TIMES_SPREAD, f"{times.latest - times.earliest} s between the witnesses' times"
        )
    if fresh is not None and times.median < fresh.now - fresh.seconds_max:
        raise RejectedError(Reason.TOO_OLD, f"{fresh.now - times.median} s")
    if fresh is not None and times.median > fresh.now + LEAD_SECONDS_MAX:
        raise RejectedError(Reason.FROM_THE_FUTURE, f"{times.median - fresh.now} s ahead")
    return times


def verify_receipt(data: bytes, policy: Policy, fresh: Freshness | None = None) -> Verdict:
    """Verify a receipt file."""

    def shown() -> dict[str, Any]:
        receipt = Receipt.parse(data)
        proven = check_receipt(receipt, policy, fresh)
        return {
            "type": receipt.kind.value,
            "type_name": receipt.kind.name.lower(),
            "body": receipt.fields,
            "created": receipt.created,
            "leaf_hash": format_base64(receipt.leaf_hash),
            "index": proven.index,
            **facts_of(proven.head),
        }

    return verdict_of(shown)


def verify_proof(
    data: bytes, entry: bytes, policy: Policy, fresh: Freshness | None = None
) -> Verdict:
    """Verify a proof file for an entry of the log."""

    def shown() -> dict[str, Any]:
        leaf = leaf_hash(entry)
        proven = check_proof(TlogProof.parse(data), leaf, policy, fresh)
        return {
            "leaf_hash": format_base64(leaf),
            "index": proven.index,
            **facts_of(proven.head),
        }

    return verdict_of(shown)


def verify_checkpoint(data: bytes, policy: Policy, fresh: Freshness | None = None) -> Verdict:
    """Verify a head of the log."""

    def shown() -> dict[str, Any]:
        head = check_note(parse_note(data), policy, fresh)
        return facts_of(head)

    return verdict_of(shown)


def verify_consistency(
    old: bytes, new: bytes, prove: Callable[[int, int], Sequence[bytes]] | None, policy: Policy
) -> Verdict:
    """Verify that one head of a log continues another.

    `prove` gives the proof from the old size to the new one; it may be left out where none is due.
    The log must have signed both heads; who witnessed them is told and not asked for.
    """
    return verdict_of(lambda: _growth(parse_note(old), parse_note(new), prove, policy))


def verify_request(old: bytes, request: bytes, policy: Policy) -> Verdict:
    """Verify that the head in a request to a witness continues an older one."""

    def shown() -> dict[str, Any]:
        asked = AddCheckpoint.parse(request)

        def prove(old_size: int, _: int) -> Sequence[bytes]:
            if asked.old_size != old_size:
                raise RejectedError(Reason.SIZES_DIFFER, f"{old_size} and {asked.old_size}")
            return asked.proof

        return _growth(parse_note(old), asked.note, prove, policy)

    return verdict_of(shown)


def _growth(
    old: Note, new: Note, prove: Callable[[int, int], Sequence[bytes]] | None, policy: Policy
) -> dict[str, Any]:
    heads = policy.inspect(old), policy.inspect(new)
    _same_origin(*heads)
    _no_split(*heads, policy)
    first, second = (head.checkpoint for head in heads)
    if first.size > second.size:
        raise RejectedError(Reason.OLD_IS_LARGER, f"{first.size} and {second.size}")
    proof: Sequence[bytes] = ()
    if prove is not None:
        proof = prove(first.size, second.size)
    elif first.size not in {0, second.size}:
        raise RejectedError(Reason.PROOF_MISSING, f"from {first.size} to {second.size}")
    verify_growth(first.size, second.size, proof, first.root, second.root)
    return {"old": _head(heads[0], policy), "new": _head(heads[1], policy)}


def verify_split(first: bytes, second: bytes, policy: Policy) -> Verdict:
    """Look for a split: two heads of one size, both signed by the log, with different roots.

    Accepted means that there is none; a split is a proof that the log, or whoever has its key,
    showed two histories. The witnesses under both are named.
    """

    def shown() -> dict[str, Any]:
        heads = policy.inspect(parse_note(first)), policy.inspect(parse_note(second))
        _same_origin(*heads)
        _no_split(*heads, policy)
        sizes = tuple(head.checkpoint.size for head in heads)
        if sizes[0] != sizes[1]:
            raise RejectedError(Reason.SIZES_DIFFER, f"{sizes[0]} and {sizes[1]}")
        return {"first": _head(heads[0], policy), "second": _head(heads[1], policy)}

    return verdict_of(shown)


class SplitError(RejectedError):
    """The log signed two heads of one size."""

    def __init__(self, first: Accepted, second: Accepted, policy: Policy) -> None:
        """Keep what proves it."""
        super().__init__(Reason.SPLIT, f"two roots at size {first.checkpoint.size}")
        self.facts = {
            "first": _head(first, policy),
            "second": _head(second, policy),
            "under_both": sorted(first.times.keys() & second.times.keys()),
        }


def _same_origin(first: Accepted, second: Accepted) -> None:
    if first.checkpoint.origin != second.checkpoint.origin:
        raise RejectedError(
            Reason.ORIGINS_DIFFER, f"{first.checkpoint.origin} and {second.checkpoint.origin}"
        )


def _no_split(first: Accepted, second: Accepted, policy: Policy) -> None:
    one, other = first.checkpoint, second.checkpoint
    if one.size == other.size and one.root != other.root:
        raise SplitError(first, second, policy)


def check_old_heads(heads: Sequence[Note], latest: Accepted, policy: Policy) -> dict[int, bytes]:
    """Return the roots that the log signed earlier, by size; none may contradict another."""
    roots = {latest.checkpoint.size: latest}
    for note in heads:
        head = policy.inspect(note)
        _same_origin(head, latest)
        known = roots.setdefault(head.checkpoint.size, head)
        _no_split(known, head, policy)
        if head.checkpoint.size > latest.checkpoint.size:
            raise RejectedError(
                Reason.OLD_IS_LARGER, f"{head.checkpoint.size} and {latest.checkpoint.size}"
            )
    return {size: head.checkpoint.root for size, head in roots.items()}


def _head(head: Accepted, policy: Policy) -> dict[str, Any]:
    has_quorum = bool(head.times) and policy.is_met_by(head.times)
    return {**_shape(head), "has_quorum": has_quorum}


def facts_of(head: Head) -> dict[str, Any]:
    """Return what a verdict says about an accepted head."""
    return {**_shape(head.accepted), "times": head.times._asdict()}


def _shape(head: Accepted) -> dict[str, Any]:
    checkpoint = head.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": format_base64(checkpoint.root),
        "witnesses": dict(sorted(head.times.items())),
    }


def verdict_of(shown: Callable[[], dict[str, Any]]) -> Verdict:
    """Return the verdict on what a function shows or rejects."""
    try:
        return Verdict(facts=shown())
    except SplitError as failure:
        return Verdict(failure.reason, failure.detail, failure.facts)
    except RejectedError as failure:
        return Verdict(failure.reason, failure.detail)
