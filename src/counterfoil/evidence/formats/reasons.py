"""Why a file of the log is not believed, as codes that programs may rely on.

Invariant   A code is never renamed and never reused; the guide for those who verify lists them all.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A verifier's no."""

    # How a file is written
    NOT_UTF8 = "not_utf8"
    CONTROL_CHARACTER = "control_character"
    FINAL_NEWLINE_MISSING = "final_newline_missing"
    TOO_LARGE = "too_large"
    NUMBER_MALFORMED = "number_malformed"
    BASE64_MALFORMED = "base64_malformed"
    HASH_LENGTH = "hash_length"
    MALFORMED = "malformed"
    EXTENSION_LINE = "extension_line"
    # Merkle proofs
    SIZE_OUT_OF_RANGE = "size_out_of_range"
    INDEX_OUT_OF_RANGE = "index_out_of_range"
    PROOF_MISSING = "proof_missing"
    PROOF_LENGTH = "proof_length"
    ROOT_MISMATCH = "root_mismatch"
    EMPTY_ROOT_MISMATCH = "empty_root_mismatch"
    # Keys and signatures
    KEY_MALFORMED = "key_malformed"
    KEY_ID_MISMATCH = "key_id_mismatch"
    ALGORITHM_UNKNOWN = "algorithm_unknown"
    SIGNATURES_MISSING = "signatures_missing"
    SIGNATURES_TOO_MANY = "signatures_too_many"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNATURE_DOUBLED = "signature_doubled"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    # What the policy asks for
    POLICY_NOT_UNDERSTOOD = "policy_not_understood"
    ORIGIN_UNKNOWN = "origin_unknown"
    LOG_SIGNATURE_MISSING = "log_signature_missing"
    QUORUM_NOT_MET = "quorum_not_met"
    WITNESSES_MISSING = "witnesses_missing"
    # What the witnesses' times say
    TIMES_SPREAD = "times_spread"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    # Openings
    LEAF_TYPE_UNKNOWN = "leaf_type_unknown"
    SALT_LENGTH = "salt_length"
    BODY_NOT_CANONICAL = "body_not_canonical"
    BODY_INCOMPLETE = "body_incomplete"
    BODY_WITH_NULL = "body_with_null"
    BODY_AHEAD_OF_LOG = "body_ahead_of_log"
    # Two heads, and whole logs
    ORIGINS_DIFFER = "origins_differ"
    SIZES_DIFFER = "sizes_differ"
    OLD_IS_LARGER = "old_is_larger"
    SPLIT = "split"
    FILE_MISSING = "file_missing"
    TILE_LENGTH = "tile_length"
    TILE_MISMATCH = "tile_mismatch"
    BUNDLE_MALFORMED = "bundle_malformed"
    FILE_STRAY = "file_stray"
    NOT_A_PREFIX = "not_a_prefix"


class RejectedError(Exception):
    """A file of the log is not believed."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Keep the code, and what a person who has to find the fault needs."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
