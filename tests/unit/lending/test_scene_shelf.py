"""Files of scenes: what they may not say, that they keep their word, and an installation's own."""

import shutil
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.lending.catalogue import CatalogueError, load_catalogue, lock_effective
from counterfoil.lending.scene_shelf import LOCK_FILE, ScenesError, load_scenes, lock_scenes

SHIPPED = (resources.files("counterfoil.lending") / "scenes/2026-02.toml").read_text()
OWN = (
    SHIPPED.replace('version = "2026-02"', 'version = "own-1"')
    .replace("effective_from = 2026-01-01", "effective_from = 2026-04-01")
    .replace("[scenes.travel]", "[scenes.weddings]")
    .replace('purposes = ["travel"]', 'purposes = ["wedding"]')
    .replace("late_days = 30", "late_days = 10", 1)
)
BEFORE, AFTER = date(2026, 3, 31), date(2026, 4, 1)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes an installation's own file of scenes with some texts replaced."""

    def write_file(*changes: tuple[str, str], name: str = "own.toml", lock: bool = True) -> Path:
        folder = tmp_path / "scenes"
        folder.mkdir(exist_ok=True)
        text = OWN
        for before, after in changes:
            assert text.count(before) >= 1, before
            text = text.replace(before, after, 1)
        (folder / name).write_text(text, encoding="utf-8")
        if lock:
            lock_scenes(folder)
        return folder

    return write_file


def problems_of(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ScenesError) as refused:
        load_scenes(folder)
    return [(p.key, p.reason) for p in refused.value.problems]


def test_an_installations_own_scenes_hold_from_their_day_and_old_ones_stay_known(
    write: Write,
) -> None:
    folder = write()
    scenes = load_scenes(folder)
    assert set(scenes.current(BEFORE)) == {"travel", "education", "home_goods"}
    assert set(scenes.current(AFTER)) == {"weddings", "education", "home_goods"}
    assert scenes.current(AFTER)["weddings"].late_days == 10
    assert scenes.as_of("2026-02", "travel") == scenes.last("travel")
    assert scenes.current(date(2025, 1, 1)) == {}
    with pytest.raises(KeyError):
        scenes.as_of("own-1", "travel")
    assert scenes.last("cash") is None
    (folder / "copied.toml").write_text(SHIPPED, encoding="utf-8")
    assert lock_scenes(folder) == ["scenes 2026-02"]
    assert [one.version for one in load_scenes(folder).versions()] == ["2026-02", "own-1"]


def test_a_draft_is_checked_and_holds_for_nothing(write: Write) -> None:
    draft = write(
        ('state = "effective"', 'state = "draft"'), ('approver = "credit-committee"\n', "")
    )
    assert set(load_scenes(draft).current(AFTER)) == {"travel", "education", "home_goods"}


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('["wedding"]', '["training"]', "scenes.education.purposes", "training is of weddings"),
        ("[scenes.weddings]", "[scenes.cash]", "scenes.cash", "no rules of its own"),
        ("[scenes.weddings]", "[scenes.Trips]", "scenes.Trips", "not written like"),
        ("late_ppm_max = 40_000", "late_ppm_max = -1", "scenes.weddings.late_ppm_max", "0 to"),
        ("ahead_ppm = 250_000", "ahead_ppm = 0", "scenes.education.ahead_ppm", "from 1"),
        ("limit_minor = 3_000_000", "limit_minor = 0", "scenes.weddings.limit_minor", "from 1"),
        ("late_days = 10", "late_day = 10", "scenes.weddings.late_day", "did you mean late_days?"),
        ("limit_minor = 3_000_000", "limits = 1", "scenes.weddings.limit_minor", "is missing"),
        ('["booking"]', "[]", "scenes.weddings.documents", "at least 1"),
        (
            '["booking"]',
            str([f"paper_{n}" for n in range(11)]),
            "scenes.weddings.documents",
            "at most 10",
        ),
        ("refund_days = 7", "refund_days = -1", "scenes.weddings.refund_days", "from 0"),
        ("needs_licence = false", "needs_licence = 0", "scenes.weddings.needs_licence", "true or"),
        ('approver = "credit-committee"', 'approver = "Product-Desk"', "meta.approver", "somebody"),
        ('approver = "credit-committee"\n', "", "meta.approver", "is missing"),
        ('currency = "CNY"', 'currency = "yuan"', "meta.currency", "is not known"),
        ('[meta]\nversion = "own-1"', '[other]\nversion = "own-1"', "other", "neither"),
        ("[meta]", "[meta", "file", "is not TOML"),
    ],
)  # fmt: skip
def test_an_unsound_file_is_refused_with_key_and_reason(
    write: Write, old: str, new: str, key: str, reason: str
) -> None:
    found = dict(problems_of(write((old, new), lock=False)))
    assert reason in found[key]


def test_a_file_without_scenes_is_refused(write: Write) -> None:
    folder = write(lock=False)
    (folder / "own.toml").write_text(OWN.partition("[scenes.")[0] + "scenes = 1")
    assert ("scenes", "names no scene") in problems_of(folder)


def test_an_effective_version_is_locked_and_never_changes(write: Write) -> None:
    folder = write(lock=False)
    assert "is effective but not in" in dict(problems_of(folder))["meta.state"]
    assert lock_scenes(folder) == ["scenes own-1"]
    assert lock_scenes(folder) == []
    write(("late_days = 10", "late_days = 11"))
    assert "was changed; make a new version" in dict(problems_of(folder))["meta.version"]
    write(('state = "effective"', 'state = "draft"'))
    assert "cannot be draft again" in dict(problems_of(folder))["meta.state"]
    (folder / "own.toml").unlink()
    assert "no file that can be read" in dict(problems_of(folder))["own-1"]
    (folder / LOCK_FILE).write_text("own-1\n")
    assert "line 1" in dict(problems_of(folder))


def test_two_versions_have_two_names_and_two_days(write: Write) -> None:
    write()
    folder = write(name="twin.toml", lock=False)
    assert "stands in own.toml, too" in dict(problems_of(folder))["meta.version"]
    folder = write(('version = "own-1"', 'version = "own-2"'), name="twin.toml")
    assert "is that of version own-1" in dict(problems_of(folder))["meta.effective_from"]
    (folder / "twin.toml").unlink()
    (folder / LOCK_FILE).unlink()
    folder = write(('version = "own-1"', 'version = "2026-02"'))
    assert "comes with the program" in dict(problems_of(folder))["meta.version"]


def own_products(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """Return a directory with a product that lends for a scene of the installation."""
    shipped = resources.files("counterfoil") / "products"
    text = (shipped / "scene-line.toml").read_text(encoding="utf-8")
    for before, after in (
        ('"scene-line"', '"wedding-line"'),
        ('["travel", ', '["weddings", '),
        *changes,
    ):
        assert before in text, before
        text = text.replace(before, after, 1)
    (tmp_path / "wedding-line.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_product_lends_for_a_scene_of_the_installation(write: Write, tmp_path: Path) -> None:
    write(lock=False)
    products = own_products(tmp_path)
    assert lock_effective(products) == ["wedding-line 1", "scenes own-1"]
    catalogue = load_catalogue(products)
    assert "weddings" in catalogue.terms("wedding-line", 1).scenes
    assert catalogue.scenes.current(AFTER)["weddings"].name_en == "Travel"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            ('"weddings"', '"funerals"'),
            "'funerals' is not known; there are: cash, education, home_goods",
        ),
        (("[3, 6, 9, 12]", "[24, 36]"), "lends none of its tenors"),
        (('"securities",', '"wedding",'), "purposes it bans: wedding"),
    ],
)
def test_a_product_whose_scene_cannot_lend_is_refused(
    write: Write, tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    write()
    products = own_products(tmp_path, change)
    with pytest.raises(CatalogueError, match=reason):
        load_catalogue(products)


def test_what_is_wrong_with_scenes_refuses_the_products(write: Write, tmp_path: Path) -> None:
    folder = write(("late_days = 10", "late_days = 0"), lock=False)
    products = own_products(tmp_path)
    with pytest.raises(CatalogueError, match=r"scenes/own.toml: scenes.weddings.late_days"):
        load_catalogue(products)
    with pytest.raises(CatalogueError, match=r"scenes/own.toml"):
        lock_effective(products)
    write(('currency = "CNY"', 'currency = "USD"'))
    lock_effective(products)
    with pytest.raises(CatalogueError, match="which counts in USD"):
        load_catalogue(products)
    shutil.rmtree(folder)
    with pytest.raises(CatalogueError, match="'weddings' is not known"):
        load_catalogue(products)
