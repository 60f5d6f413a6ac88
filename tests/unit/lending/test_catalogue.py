"""Product files: what they say, what they may not say, and that they keep their word."""

from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.lending.catalogue import (
    LOCK_FILE,
    CatalogueError,
    State,
    UnknownProductError,
    load_catalogue,
    lock_effective,
)
from counterfoil.lending.product_file import compounds_within
from counterfoil.lending.product_values import FaultError, percent_e8
from counterfoil.lending.terms import Method, Part, Prepayment, Sweep

OPEN = "cash-line-open.toml"
SHIPPED = resources.files("counterfoil") / "products"
FEE = (
    'fees = [{ code = "care", name_en = "Care", name_zh = "服务", payee = "lender", '
    'timing = "first_instalment", amount = "9.00" }]'
)
PACK = resources.files("counterfoil") / "rules" / "cn-2026-01.toml"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes the open cash line with some texts replaced."""

    def write_file(*changes: tuple[str, str], name: str = OPEN) -> Path:
        text = (SHIPPED / OPEN).read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after, 1)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write_file


WITH_FEES_IN_ORDER = ('["penalty", "interest"', '["penalty", "fee", "interest"')
DRAFT = ('state = "effective"', 'state = "draft"')


def problems_of(directory: Path) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueError) as refused:
        load_catalogue(directory)
    return [(p.key, p.reason) for p in refused.value.problems]


def test_the_shipped_products_are_valid_and_neutral() -> None:
    catalogue = load_catalogue()
    assert [(t.code, t.version) for t in catalogue.all()] == [
        ("cash-line-invited", 1),
        ("cash-line-open", 1),
        ("micro-business-line", 1),
        ("scene-line", 1),
    ]
    terms = catalogue.terms("cash-line-open", 1)
    assert terms.currency == "CNY"
    assert (terms.limit_minor_min, terms.limit_minor_max) == (50_000, 20_000_000)
    assert terms.limit_minor_step == 10_000
    assert terms.draw_minor_min == 10_000
    assert terms.tenors_months == (3, 6, 9, 12)
    assert terms.methods == tuple(Method)
    assert (terms.rate_daily_e8_min, terms.rate_daily_e8_max) == (20_000, 55_000)
    assert (terms.grace_days, terms.penalty_percent_of_rate) == (3, 50)
    assert terms.allocation == (Part.PENALTY, Part.INTEREST, Part.PRINCIPAL)
    assert terms.sweep is Sweep.BY_INSTALMENT
    assert terms.prepayments == tuple(Prepayment)
    assert terms.cost_annual_e8_cap == 24_000_000
    assert terms.fees == ()


def test_the_invited_product_is_cheaper_and_lends_less_at_a_time() -> None:
    invited = load_catalogue().terms("cash-line-invited", 1)
    assert invited.invited_only
    assert invited.draw_minor_max == 4_000_000
    assert (invited.rate_daily_e8_min, invited.rate_daily_e8_max) == (15_000, 45_000)


def test_a_product_says_who_signed_it_and_where_its_cap_comes_from() -> None:
    product = load_catalogue().product("cash-line-open", 1)
    assert product.state is State.EFFECTIVE
    assert product.author != product.approver
    assert (product.cost_rule, product.cost_mark) == ("R047", "B")
    assert product.records == ("credit_line", "loan", "repayment_status")


def test_a_directory_that_is_not_there_is_refused_like_a_faulty_file(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "nowhere") == [("directory", "is not there")]


def test_nothing_is_current_before_its_first_day() -> None:
    catalogue = load_catalogue()
    assert catalogue.current("cash-line-open", date(2025, 10, 1)).version == 1
    with pytest.raises(UnknownProductError, match="cash-line-open holds on 2025-09-30"):
        catalogue.current("cash-line-open", date(2025, 9, 30))
    with pytest.raises(UnknownProductError):
        catalogue.current("cash-line-closed", date(2026, 1, 1))
    with pytest.raises(UnknownProductError):
        catalogue.terms("cash-line-open", 2)


@pytest.mark.parametrize(
    ("before", "after", "key", "reason"),
    [
        ('limit_least = "500.00"', 'limit_least = "200000.00"', "line.limit_least", "less than"),
        ('limit_step = "100.00"', 'limit_step = "300.00"', "line.limit_step", "divide"),
        (
            'least = "100.00"\nmost = "200000.00"',
            'least = "100.00"\nmost = "100.00"',
            "drawdown.least",
            "less than",
        ),
        ('step = "1.00"', 'step = "0.03"', "drawdown.step", "divide"),
        ('"shares", ', "", "drawdown.purposes_banned", "R050 bans: asset_management"),
        ('limit_most = "200000.00"', 'limit_most = "9000.00"', "drawdown.most", "nobody"),
        ('least = "100.00"', 'least = "600.00"', "drawdown.least", "smallest line"),
        ('daily_least = "0.020 %"', 'daily_least = "0.056 %"', "interest.daily_least", "at most"),
        ('daily_most = "0.055 %"', 'daily_most = "0.059 %"', "interest.daily_most", "compounded"),
        ('daily_most = "0.055 %"', "daily_most = 0.055", "interest.daily_most", "as text"),
        ('daily_most = "0.055 %"', 'daily_most = "0.055"', "interest.daily_most", "in percent"),
        ('"0.055 %"', '"0.0550001 %"', "interest.daily_most", "finer"),
        ('annual_most = "24 %"\nrule', 'annual_most = "25 %"\nrule', "cost.annual_most", "R047"),
        (
            'with_interest_annual_most = "24 %"',
            'with_interest_annual_most = "36 %"',
            "penalty.with_interest_annual_most",
            "more than cost.annual_most",
        ),
        ('licence = "consumer_finance"', 'licence = "micro_loan"', "cost.annual_most", "no cap"),
        ('licence = "consumer_finance"', 'licence = "pawn"', "lender.licence", "not known"),
        ("2025-10-01", "2025-09-30", "cost.annual_most", "no cap is known"),
        ('"any_time"]', '"whenever"]', "drawdown.methods", "'whenever' is not known"),
        ('scenes = ["cash"]', 'scenes = ["casino"]', "meta.scenes", "not known"),
        ('currency = "CNY"', 'currency = "XAU"', "meta.currency", "not known"),
        ('"EXACT_DAILY"', '"EXACT"', "interest.convention", "not known"),
        ('"EXACT_DAILY"', '"FRAPPE_LINE"', "interest.convention", "EXACT_DAILY only"),
        ("[3, 6, 9, 12]", "[3, 6, 61]", "drawdown.tenors_months", "from 1 to 60"),
        ("[3, 6, 9, 12]", "[3, 9, 6]", "drawdown.tenors_months", "ascending"),
        ("[3, 6, 9, 12]", "[]", "drawdown.tenors_months", "at least 1"),
        ("[3, 6, 9, 12]", "[3, 3]", "drawdown.tenors_months", "twice"),
        ('id = "lender-one"\n', "", "lender.id", "missing"),
        ('approver = "credit-committee"', 'approver = "Product-Desk "', "meta.approver", "author"),
        ('approver = "credit-committee"\n', "", "meta.approver", "only a draft"),
        ('payee = "lender"\ndaily', "daily", "interest.payee", "missing"),
        ('payee = "lender"\npercent', 'payee = "app"\npercent', "penalty.payee", "not known"),
        ("fees = []", FEE, "repayment.allocation", "has to name fee"),
        ("fees = []", FEE.replace('payee = "lender", ', ""), "cost.fees", "has no payee"),
        ("fees = []", FEE.replace('"lender"', '"platform"'), "cost.fees", "'platform'"),
        ("fees = []", FEE.replace("amount =", "ammount ="), "cost.fees", "not a key"),
        ("fees = []\n", "", "cost.fees", "missing"),
        ("grace_days = 3", "grace_day = 3", "penalty.grace_day", "mean penalty.grace_days?"),
        ("grace_days = 3", "grace_days = -1", "penalty.grace_days", "from 0"),
        ("grace_days = 3", "grace_days = true", "penalty.grace_days", "whole number"),
        ("grace_days = 3", 'grace_days = "3"', "penalty.grace_days", "whole number"),
        ("2025-10-01", '"2025-10-01"', "meta.effective_from", "without quotes"),
        ("2025-10-01", "2025-10-01T00:00:00", "meta.effective_from", "date"),
        ("invited_only = false", "invited_only = 0", "meta.invited_only", "true or false"),
        ('least = "100.00"', 'least = "100.001"', "drawdown.least", "finer"),
        ('least = "100.00"', "least = 10000", "drawdown.least", "as text"),
        ('least = "100.00"', 'least = "-5.00"', "drawdown.least", "more than zero"),
        ('"penalty", "interest", "principal"', '"interest", "principal"', *(2 * [""])),
        ('"penalty", "interest", "principal"', '"interest", "penalty", "principal"', *(2 * [""])),
        ('state = "effective"', 'state = "retired"', "meta.retired_on", "where the state"),
        ("to_bureau = true", "to_bureau = false", "reporting.records", "nothing elsewhere"),
    ],
)
def test_a_fault_is_refused_with_its_key_and_reason(
    write: Write, before: str, after: str, key: str, reason: str
) -> None:
    directory = write((before, after))
    lock = directory / LOCK_FILE
    lock.write_text((SHIPPED / LOCK_FILE).read_text(encoding="utf-8"), encoding="utf-8")
    key, reason = key or "repayment.allocation", reason or "name"
    found = problems_of(directory)
    assert any(k == key and reason in r for k, r in found), found


def test_all_faults_of_all_files_are_told_at_once(write: Write) -> None:
    write(DRAFT, ("grace_days = 3", "grace_days = 99"), ("[3, 6, 9, 12]", "[9, 3]"))
    directory = write(DRAFT, ('id = "lender-one"\n', ""), name="other.toml")
    (directory / "broken.toml").write_text("meta = [", encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        load_catalogue(directory)
    assert [(p.file, p.key) for p in refused.value.problems] == [
        ("broken.toml", "file"),
        (OPEN, "drawdown.tenors_months"),
        (OPEN, "penalty.grace_days"),
        ("other.toml", "lender.id"),
    ]
    assert f"{OPEN}: penalty.grace_days: has to be a whole number" in str(refused.value)


def test_an_empty_directory_is_no_catalogue(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == [("file", "holds no product file")]


def test_one_version_stands_in_one_file(write: Write) -> None:
    write(DRAFT)
    directory = write(DRAFT, name="again.toml")
    reasons = [reason for _, reason in problems_of(directory)]
    assert reasons == ["cash-line-open 1 stands in more than one file"] * 2


def test_an_effective_version_has_to_be_locked(write: Write) -> None:
    directory = write()
    assert problems_of(directory) == [
        ("meta.state", f"cash-line-open 1 is effective but not in {LOCK_FILE}")
    ]
    assert lock_effective(directory) == ["cash-line-open 1"]
    assert load_catalogue(directory).terms("cash-line-open", 1).grace_days == 3
    assert lock_effective(directory) == []


def test_the_shipped_lock_is_the_one_that_locking_makes(write: Write) -> None:
    directory = write()
    lock_effective(directory)
    line = (directory / LOCK_FILE).read_text(encoding="utf-8")
    assert line in (SHIPPED / LOCK_FILE).read_text(encoding="utf-8")


def test_a_changed_effective_version_is_refused_and_cannot_be_locked_again(write: Write) -> None:
    lock_effective(write())
    directory = write(("grace_days = 3", "grace_days = 4"))
    assert lock_effective(directory) == []
    [(key, reason)] = problems_of(directory)
    assert key == "meta.version"
    assert "make a new version" in reason


def test_comments_of_an_effective_version_may_change(write: Write) -> None:
    lock_effective(write())
    directory = write(("# Simple daily interest", "# Interest by the day"))
    assert load_catalogue(directory).all()


def test_a_version_ends_without_being_changed(write: Write) -> None:
    lock_effective(write())
    directory = write(
        ('state = "effective"', 'state = "retired"\nretired_on = 2026-02-01'),
    )
    catalogue = load_catalogue(directory)
    assert catalogue.current("cash-line-open", date(2026, 1, 31)).version == 1
    with pytest.raises(UnknownProductError):
        catalogue.current("cash-line-open", date(2026, 2, 1))
    assert catalogue.terms("cash-line-open", 1).version == 1


def test_a_version_that_loans_were_made_under_stays(write: Write) -> None:
    directory = write()
    lock_effective(directory)
    write(DRAFT)
    assert problems_of(directory) == [
        ("meta.state", "cash-line-open 1 was effective and cannot be draft again")
    ]
    (directory / OPEN).unlink()
    write(DRAFT, ("version = 1", "version = 2"))
    assert problems_of(directory) == [
        ("cash-line-open 1", "cash-line-open 1 is locked, but no file that can be read holds it")
    ]


def test_a_spoilt_lock_is_refused(write: Write) -> None:
    directory = write(DRAFT)
    (directory / LOCK_FILE).write_text("cash-line-open 1\n", encoding="utf-8")
    assert ("line 1", "is not `code version sha256`, or stands twice") in problems_of(directory)


def test_the_later_version_holds_from_its_day(write: Write) -> None:
    write()
    directory = write(
        ("version = 1", "version = 2"),
        ("2025-10-01", "2026-05-01"),
        ("grace_days = 3", "grace_days = 5"),
        name="cash-line-open-2.toml",
    )
    lock_effective(directory)
    catalogue = load_catalogue(directory)
    assert catalogue.current("cash-line-open", date(2026, 4, 30)).version == 1
    assert catalogue.current("cash-line-open", date(2026, 5, 1)).version == 2
    assert catalogue.terms("cash-line-open", 1).grace_days == 3


def test_two_versions_do_not_begin_on_one_day(write: Write) -> None:
    write()
    directory = write(("version = 1", "version = 2"), name="cash-line-open-2.toml")
    lock_effective(directory)
    assert problems_of(directory) == [
        ("meta.effective_from", "has to come after that of version 1")
    ]


def test_a_draft_may_lack_its_approver_and_may_name_fees(write: Write) -> None:
    directory = write(
        DRAFT, ('approver = "credit-committee"\n', ""), ("fees = []", FEE), WITH_FEES_IN_ORDER
    )
    product = load_catalogue(directory).product("cash-line-open", 1)
    assert product.approver is None
    assert product.terms.fees[0].amount_minor == 900
    assert not product.holds_on(date(2030, 1, 1))


def test_an_application_waits_for_the_days_of_its_product_thirty_where_it_says_nothing(
    write: Write,
) -> None:
    assert load_catalogue(write(DRAFT)).terms("cash-line-open", 1).application_days == 30
    stated = write(DRAFT, ("valid_months = ", "application_days = 14\nvalid_months = "))
    assert load_catalogue(stated).terms("cash-line-open", 1).application_days == 14
    too_long = write(DRAFT, ("valid_months = ", "application_days = 93\nvalid_months = "))
    [(key, _)] = problems_of(too_long)
    assert key == "line.application_days"


def own_pack(directory: Path, *changes: tuple[str, str]) -> None:
    text = PACK.read_text(encoding="utf-8").replace('id = "cn-2026-01"', 'id = "own-2026-01"')
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    (directory / "rules").mkdir()
    (directory / "rules" / "own.toml").write_text(text, encoding="utf-8")


def test_a_product_is_held_to_the_pack_that_it_names(write: Write) -> None:
    directory = write(DRAFT, ('"cn-2026-01"', '"own-2026-01"'))
    own_pack(
        directory,
        ('"24 %"', '"23.9 %"'),
        ('value = "200000.00"\nmark = "C"', 'value = "5.00"\nmark = "C"'),
    )
    (cost, limit) = problems_of(directory)
    assert cost[0] == "cost.annual_most"
    assert cost[1].startswith("is above the cap of rule R047 (B) of own-2026-01@")
    assert limit[0] == "line.limit_most"
    assert "rule R058 (C) of own-2026-01@" in limit[1]


def test_a_product_without_a_pack_or_without_a_known_cap_is_refused(write: Write) -> None:
    [(key, reason)] = problems_of(write(DRAFT, ('"cn-2026-01"', '"cn-1999-01"')))
    assert key == "rules.pack"
    assert "names cn-1999-01; there are cn-2026-01" in reason
    directory = write(DRAFT, ('"consumer_finance"', '"micro_loan"'))
    [(key, reason)] = problems_of(directory)
    assert key == "cost.annual_most"
    assert "no cap is known for a micro_loan on 2025-10-01 in cn-2026-01@" in reason
    [(key, _)] = problems_of(write(DRAFT, ("2025-10-01", "2025-09-30")))
    assert key == "cost.annual_most"


def test_a_fee_for_lateness_stands_only_where_the_pack_allows_one(write: Write) -> None:
    late = FEE.replace("first_instalment", "late")
    [(key, reason)] = problems_of(write(DRAFT, ("fees = []", late), WITH_FEES_IN_ORDER))
    assert key == "cost.fees"
    assert "no rule allows a consumer_finance on 2025-10-01" in reason
    bank = ('"consumer_finance"', '"bank"')
    load_catalogue(write(DRAFT, ("fees = []", late), bank, WITH_FEES_IN_ORDER))
    one = late[late.index("{") : late.rindex("}") + 1]
    two = f"{late[:-1]}, {one.replace('care', 'more')}]"
    [(key, reason)] = problems_of(write(DRAFT, ("fees = []", two), bank, WITH_FEES_IN_ORDER))
    assert key == "cost.fees"
    assert "has more fees for lateness than rule house (C) of cn-2026-01@" in reason


def test_a_pack_that_cannot_be_read_refuses_the_catalogue(write: Write) -> None:
    directory = write(DRAFT)
    own_pack(directory, ('"24 %"', '"much"'))
    assert ("pack", "own.toml: rules[1]: 'much' is not a rate in percent, such as '24 %'") in (
        problems_of(directory)
    )


def test_the_dearest_daily_rate_within_the_cap_is_exact() -> None:
    # 1.24 ** (1 / 365) - 1 = 0.00058951994…
    assert compounds_within(58_951, 24_000_000)
    assert not compounds_within(58_952, 24_000_000)


@pytest.mark.parametrize(
    ("text", "rate_e8"),
    [("0.035 %", 35_000), ("0.035%", 35_000), ("24 %", 24_000_000), ("0.000001 %", 1), ("0 %", 0)],
)
def test_percent_is_read_exactly(text: str, rate_e8: int) -> None:
    assert percent_e8(text) == rate_e8


@pytest.mark.parametrize("text", ["0.035", "-1 %", "1,5 %", "%", "1e-3 %", "0.0000001 %", "٣ %"])
def test_what_is_not_percent_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        percent_e8(text)


def test_the_surcharge_is_half_the_rate_until_both_meet_the_ceiling() -> None:
    terms = load_catalogue().terms("cash-line-open", 1)
    assert terms.penalty_daily_e8(35_000) == 17_500
    assert terms.penalty_daily_e8(43_835) == 21_918
    assert terms.penalty_daily_e8(55_000) == 24_000_000 // 365 - 55_000
    assert (55_000 + terms.penalty_daily_e8(55_000)) * 365 <= 24_000_000
    assert terms.penalty_daily_e8(70_000) == 0
