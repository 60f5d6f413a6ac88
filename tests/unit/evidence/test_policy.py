"""Policies are understood to the last word or refused; what they accept, quorum by quorum."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evidence.logs_for_tests import (
    DEFAULT_GROUPS,
    ORIGIN,
    SEEN_AT,
    WITNESSES,
    log_key,
    note_of,
    policy,
    policy_text,
    sample,
    witness_key,
)

from counterfoil.evidence.formats import checkpoint as checkpoints
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.cosignature import cosign
from counterfoil.evidence.formats.merkle import leaf_hash
from counterfoil.evidence.formats.note import Note, NoteSignature, SigningKey
from counterfoil.evidence.formats.policy import Policy, PolicyRejectedError
from counterfoil.evidence.formats.reasons import Reason, RejectedError

HEAD = Checkpoint(ORIGIN, 7, leaf_hash(b"root"))
SPLIT_HEAD = Checkpoint(ORIGIN, 7, leaf_hash(b"another root"))
LOG = f"log {log_key().verifier.text}\n"
BUREAU = witness_key("bureau").verifier.text


def refused(text: str | bytes) -> str:
    with pytest.raises(PolicyRejectedError) as caught:
        Policy.parse(text)
    assert caught.value.reason is Reason.POLICY_NOT_UNDERSTOOD
    return caught.value.detail


def reason_of(check: Callable[[], object]) -> Reason | None:
    try:
        check()
    except RejectedError as rejected:
        return rejected.reason
    return None


def test_the_samples_policy_is_read() -> None:
    read = Policy.parse(sample()["policy"])
    assert list(read.witnesses) == ["regulator", "bureau", "fundbank", "auditor"]
    assert [group.threshold for group in read.groups.values()] == [1, 2]
    assert read.origins() == {"log.counterfoil.example/inquiries/2027"}


def test_blanks_comments_and_addresses_may_stand_in_it() -> None:
    text = (
        f"# trust\n\n \t# more 信任\n\t log  {log_key().verifier.text}\t https://log.example/ \n"
        f"witness 局 {BUREAU} https://w.example\nquorum\t局\n"
    )
    read = Policy.parse(text)
    assert read.logs[0].url == "https://log.example/"
    assert read.witnesses["局"].url == "https://w.example"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no newline"),
        (LOG, "no quorum"),
        (LOG + "quorum none", "no newline"),
        (LOG + "quorum none\r\n", "control character"),
        (LOG + "quorum none\x00\n", "control character"),
        (LOG + "quorum none\nquorum none\n", "a second quorum"),
        (LOG + "quorum bureau\n", "not defined above"),
        (LOG + f"quorum bureau\nwitness bureau {BUREAU}\n", "not defined above"),
        (LOG + "quorum\n", "no line of a policy"),
        (LOG + "quorum none none\n", "no line of a policy"),
        (LOG + "Quorum none\n", "no line of a policy"),
        (LOG + "threshold 3\nquorum none\n", "no line of a policy"),
        (LOG + f"witness none {BUREAU}\nquorum none\n", "is taken"),
        (f"log {BUREAU}\nquorum none\n", "type 0x04"),
        (f"log {log_key().verifier.text} https://a b\nquorum none\n", "no line of a policy"),
        (LOG + f"witness w {log_key('x').verifier.text}\nquorum none\n", "type 0x01"),
        (LOG + f"witness w {BUREAU[:-4]}\nquorum none\n", "line 2"),
        (LOG + f"witness w x{BUREAU}\nquorum none\n", "is not"),
        (LOG + "witness w\nquorum none\n", "no line of a policy"),
        (LOG + LOG + "quorum none\n", "stands twice"),
        (LOG + f"witness a {BUREAU}\nwitness b {BUREAU}\nquorum a\n", "stands twice"),
    ],
)
def test_a_policy_that_is_not_understood_is_refused(text: str, why: str) -> None:
    assert why in refused(text)


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ("group g any\nquorum g\n", "no line of a policy"),
        ("group g\nquorum g\n", "no line of a policy"),
        ("group g 3 bureau auditor\nquorum g\n", "3 of 2"),
        ("group g 0 bureau auditor\nquorum g\n", "0 of 2"),
        ("group g 01 bureau auditor\nquorum g\n", "'01'"),
        ("group g +1 bureau auditor\nquorum g\n", "'+1'"),
        ("group g some bureau auditor\nquorum g\n", "'some'"),
        ("group g any bureau bureau\nquorum g\n", "member twice"),
        ("group g any bureau\ngroup h any bureau\nquorum h\n", "member twice"),
        ("group g any none\nquorum g\n", "not defined above"),
        ("group g any g\nquorum g\n", "not defined above"),
        ("group h any g\ngroup g any bureau\nquorum h\n", "not defined above"),
        ("group bureau any auditor\nquorum bureau\n", "is taken"),
        ("group g any bureau\ngroup g any auditor\nquorum g\n", "is taken"),
        ("group none any bureau\nquorum none\n", "is taken"),
    ],
)
def test_groups_name_what_is_defined_once_and_can_be_met(groups: str, why: str) -> None:
    assert why in refused(policy_text(groups))


def test_a_policy_is_utf8_of_bounded_length() -> None:
    assert "UTF-8" in refused(LOG.encode() + b"# \xff\nquorum none\n")
    assert "bytes" in refused("#" * (1 << 20) + "\n")


def test_a_public_key_stands_once_even_under_another_name_and_type() -> None:
    seed = log_key().seed
    twin = SigningKey.from_seed("w.example", Algorithm.COSIGNATURE_ED25519, seed).verifier.text
    assert "stands twice" in refused(LOG + f"witness w {twin}\nquorum w\n")


def test_a_log_may_change_its_key() -> None:
    both = Policy.parse(f"log {log_key('next').verifier.text}\n" + policy_text())
    for key in (log_key(), log_key("next")):
        assert both.check(note_of(HEAD, log=key)).checkpoint == HEAD


def accepts(groups: str, cosigners: tuple[str, ...]) -> bool:
    return reason_of(lambda: policy(groups).check(note_of(HEAD, cosigners))) is None


def test_the_default_asks_for_the_regulator_and_any_other() -> None:
    for count in range(5):
        for cosigners in combinations(WITNESSES, count):
            expected = "regulator" in cosigners and count >= 2
            assert accepts(DEFAULT_GROUPS, cosigners) == expected


def test_three_of_four_and_single_witnesses_are_quorums() -> None:
    three = f"group q 3 {' '.join(WITNESSES)}\nquorum q\n"
    assert accepts(three, WITNESSES[1:])
    assert not accepts(three, WITNESSES[2:])
    assert accepts("quorum auditor\n", ("auditor",))
    assert not accepts("quorum auditor\n", ("bureau", "regulator"))


def test_no_view_splits_under_safe_rules_where_one_witness_colludes() -> None:
    """Every other witness cosigns one of two heads; the colluding one cosigns both."""

    def both_accepted(groups: str, names: tuple[str, ...], colluding: str) -> bool:
        rule = policy(groups)
        honest = [name for name in names if name != colluding]
        return any(
            rule.is_met_by(frozenset({*one, colluding}))
            and rule.is_met_by(frozenset({*set(honest) - set(one), colluding}))
            for count in range(len(honest) + 1)
            for one in combinations(honest, count)
        )

    three, four = WITNESSES[:3], WITNESSES
    assert both_accepted(f"group q 2 {' '.join(three)}\nquorum q\n", three, "bureau")
    assert not any(
        both_accepted(f"group q 3 {' '.join(four)}\nquorum q\n", four, name) for name in four
    )
    assert not any(both_accepted(DEFAULT_GROUPS, four, name) for name in four[1:])


def test_the_logs_signature_alone_is_never_enough() -> None:
    for groups in (DEFAULT_GROUPS, "quorum none\n"):
        assert reason_of(lambda: policy(groups).check(note_of(HEAD, ()))) is (  # noqa: B023
            Reason.WITNESSES_MISSING
        )
    assert policy().inspect(note_of(HEAD, ())).checkpoint == HEAD


@pytest.mark.parametrize(
    ("signatures", "reason"),
    [
        (lambda good: good[1:], Reason.LOG_SIGNATURE_MISSING),
        (lambda good: good[:2], Reason.QUORUM_NOT_MET),
        (lambda good: (*good[:2], good[1]), Reason.SIGNATURE_DOUBLED),
        (lambda good: (good[0], *good), Reason.SIGNATURE_DOUBLED),
        (lambda good: (checkpoints.sign(HEAD, log_key("other")), *good[1:]),
         Reason.LOG_SIGNATURE_MISSING),
        (lambda good: (*good[:2], cosign(HEAD.text, witness_key("stranger"), SEEN_AT)),
         Reason.QUORUM_NOT_MET),
        (lambda good: (*good[:2], cosign(SPLIT_HEAD.text, witness_key("bureau"), SEEN_AT)),
         Reason.SIGNATURE_WRONG),
        (lambda good: (*good, cosign(SPLIT_HEAD.text, witness_key("auditor"), SEEN_AT)),
         Reason.SIGNATURE_WRONG),
        (lambda good: (checkpoints.sign(SPLIT_HEAD, log_key()), *good[1:]),
         Reason.SIGNATURE_WRONG),
    ],
)  # fmt: skip
def test_lines_that_are_missing_wrong_or_twice_reject_the_note(
    signatures: Callable[[tuple[NoteSignature, ...]], tuple[NoteSignature, ...]], reason: Reason
) -> None:
    good = note_of(HEAD).signatures
    assert reason_of(lambda: policy().check(Note(HEAD.text, signatures(good)))) is reason


def test_the_log_is_not_its_own_witness() -> None:
    own = SigningKey.from_seed(ORIGIN, Algorithm.COSIGNATURE_ED25519, log_key().seed)
    note = note_of(HEAD, ("regulator",))
    with_own = note.joined([cosign(HEAD.text, own, SEEN_AT)])
    assert reason_of(lambda: policy().check(with_own)) is Reason.QUORUM_NOT_MET


def test_lines_of_unknown_keys_are_ignored_whatever_is_in_them() -> None:
    good = note_of(HEAD).signatures
    regulator = witness_key("regulator").verifier
    unknown = [
        NoteSignature("mldsa.example", b"\x06\x06\x06\x06", b"\x00" * 2428),
        NoteSignature(regulator.name, b"\x00\x00\x00\x00", b"another key of the name"),
        NoteSignature("another.example", regulator.key_id, b"the same id under another name"),
        NoteSignature("another.example", regulator.key_id, b"the same id under another name"),
    ]
    accepted = policy().check(Note(HEAD.text, (*unknown, *good)))
    assert accepted.times == {"regulator": SEEN_AT, "bureau": SEEN_AT}


def test_another_log_is_unknown_and_a_believed_log_signs_for_itself_only() -> None:
    foreign = Checkpoint("log.other.example", 7, HEAD.root)
    assert reason_of(lambda: policy().check(note_of(foreign))) is Reason.ORIGIN_UNKNOWN
    second = log_key("second", "log.other.example")
    both = Policy.parse(f"log {second.verifier.text}\n" + policy_text())
    good = note_of(HEAD).signatures
    stolen = (second.sign(HEAD.text.encode()), *good[1:])
    assert reason_of(lambda: both.check(Note(HEAD.text, stolen))) is Reason.LOG_SIGNATURE_MISSING
    assert both.check(Note(HEAD.text, (*good, stolen[0]))).checkpoint == HEAD


@given(st.sets(st.sampled_from(WITNESSES)), st.sets(st.sampled_from(WITNESSES)))
def test_more_witnesses_never_make_less_of_a_quorum(some: set[str], more: set[str]) -> None:
    for groups in (DEFAULT_GROUPS, f"group q 3 {' '.join(WITNESSES)}\nquorum q\n"):
        rule = policy(groups)
        assert rule.is_met_by(frozenset(some | more)) >= rule.is_met_by(frozenset(some))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_are_refused(data: bytes) -> None:
    try:
        Policy.parse(data)
    except PolicyRejectedError:
        return
    assert b"quorum" in data


def test_thirty_two_of_each_are_read() -> None:
    names = [f"w{number}" for number in range(32)]
    logs = [f"log {log_key(f'log{n}', f'log{n}.example').verifier.text}" for n in range(32)]
    witnesses = [f"witness {name} {witness_key(name).verifier.text}" for name in names]
    groups = [f"group g{n} any w{n}" for n in range(31)] + [
        "group all 31 " + " ".join(f"g{n}" for n in range(31))
    ]
    read = Policy.parse("\n".join([*logs, *witnesses, *groups, "quorum all", ""]))
    assert read.is_met_by(frozenset(names))
    assert not read.is_met_by(frozenset(names[1:]))
