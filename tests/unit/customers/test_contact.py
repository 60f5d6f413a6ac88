"""Addresses: what is one, in which form it is kept, and what a code is bound to."""

import pytest

from counterfoil.customers.contact import check_address, sha256_of
from counterfoil.customers.setting import Channel
from counterfoil.kernel.errors import Refused
from counterfoil.privacy.masking import mask_email, mask_letter_address


@pytest.mark.parametrize(
    ("channel", "given", "kept"),
    [
        (Channel.EMAIL, " Lin.Yu+bank@Example.ORG ", "Lin.Yu+bank@example.org"),
        (Channel.LETTER, "北京市 朝阳区\n建国路 1 号　100020", "北京市 朝阳区 建国路 1 号 100020"),
    ],
)
def test_an_address_is_kept_in_one_form(channel: Channel, given: str, kept: str) -> None:
    assert check_address(channel, given) == kept


@pytest.mark.parametrize(
    ("channel", "given"),
    [
        *((Channel.EMAIL, text) for text in (
            "", "lin", "@example.org", "lin@", "lin@localhost", "a@b@example.org",
            "lin@example.org\r\nBcc: all@example.org", "lin <lin@example.org>", "林@example.org",
            ".lin@example.org", "li..n@example.org", "lin@-example.org", "lin@[127.0.0.1]",
            f"{'a' * 65}@example.org", f"lin@{'a.' * 130}org",
        )),
        *((Channel.LETTER, text) for text in (
            "", "北京", "12345678", "a" * 201, "北京市\x00朝阳区",
        )),
        (Channel.SMS, "13800138000"), (Channel.APP, "anything"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(channel: Channel, given: str) -> None:
    refused = check_address(channel, given)
    assert isinstance(refused, Refused)
    assert refused.code in ("address_invalid", "address_channel")


def test_a_code_is_bound_to_the_channel_and_the_address() -> None:
    mail = sha256_of(Channel.EMAIL, "a@example.org")
    assert mail != sha256_of(Channel.LETTER, "a@example.org")
    assert mail != sha256_of(Channel.EMAIL, "b@example.org")


def test_masked_addresses_tell_little() -> None:
    assert mask_email("lin.yu@example.org") == "l****@example.org"
    assert mask_letter_address("北京市朝阳区建国路 1 号") == "北京市****"
