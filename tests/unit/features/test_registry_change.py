"""What a registry may change of the one that ships, and what it must not."""

from importlib import resources

import pytest

from counterfoil.features.registry_change import How, change_faults, changes
from counterfoil.features.registry_file import load_registry, parse_registry, read_registry

SHIPPED = load_registry()
TEXTS = {
    file.name: file.read_text("utf-8")
    for file in resources.files("counterfoil.features").joinpath("registry").iterdir()
}


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert old in TEXTS[file], "the text is that of the registry that ships"
    return TEXTS | {file: TEXTS[file].replace(old, new, 1)}


def test_a_registry_is_read_again_from_its_content() -> None:
    again = read_registry(SHIPPED.document)
    assert again.sha256 == SHIPPED.sha256
    assert (again.features, again.kinds) == (SHIPPED.features, SHIPPED.kinds)
    assert changes(SHIPPED, again) == []
    assert change_faults(SHIPPED, again, {}) == []


def test_other_words_are_no_other_meaning() -> None:
    after = parse_registry(edited("own_behaviour.toml", 'name_en = "', 'name_en = "The '))
    [change] = changes(SHIPPED, after)
    assert (change.part, change.how) == ("kinds", How.CHANGED)
    assert change_faults(SHIPPED, after, {}) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("categories.toml", 'standing = "banned"', 'standing = "ordinary"', "makes it banned"),
        ("sources.toml", "on = false\nneeds_licence = true", "on = true", "by two people"),
        ("own_behaviour.toml", 'name = "grace_days"', 'name = "grace"', "is missing"),
        ("own_behaviour.toml", "within_days = 90", "within_days = 60", "a name of its own"),
        ("application.toml", 'name = "is_student"\nname_en', 'name = "is_pupil"\nname_en', "miss"),
    ],
)
def test_what_the_program_relies_on_stays(file: str, old: str, new: str, said: str) -> None:
    texts = edited(file, old, new)
    if said == "is missing":
        texts = {name: text.replace('grace = "grace_days"', "") for name, text in texts.items()}
    found = change_faults(SHIPPED, parse_registry(texts), {})
    assert any(said in reason for _, reason in found), found
