"""Settings: from the environment only, checked, documented, and silent about secrets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from counterfoil.platform.settings import Settings


def settings_in(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(f"COUNTERFOIL_{name}", value)
    return Settings(_env_file=None)


def test_nothing_set_means_an_embedded_sandbox_below_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"COUNTERFOIL_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    settings = settings_in(monkeypatch)
    assert settings.home == tmp_path / ".counterfoil"
    assert settings.is_embedded
    assert settings.environment == "sandbox"
    assert settings.engine_shards == 2


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(monkeypatch, PORT="9000", HOME="/srv/lender", LOG_FORMAT="json")
    assert (settings.port, settings.home, settings.log_format) == (
        9000,
        Path("/srv/lender"),
        "json",
    )


def test_the_address_of_the_database_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(monkeypatch, DATABASE_URL="postgresql://lender:hunter2@db/lender")
    assert not settings.is_embedded
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "x"), ("PORT", "70000"), ("ENVIRONMENT", "A b"), ("ENGINE_SHARDS", "0")],
)
def test_a_wrong_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        settings_in(monkeypatch, **{name: value})


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
