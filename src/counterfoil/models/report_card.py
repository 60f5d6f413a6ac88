"""The model card of a validation page: what a reader has to know before any figure."""

from html import escape

from counterfoil.models.artefact import Artefact
from counterfoil.models.report_words import Words, percent, whole


def card_section(artefact: Artefact, t: Words) -> str:
    """Return purpose, population, target, data and everything that made the model."""
    training, target = artefact.training, artefact.target
    made = t("training_text", rows=whole(training.rows), bad=percent(training.bad_ppm))
    told = "target_text_one" if target.horizon_months == 1 else "target_text"
    event = t(told, event=target.event, months=target.horizon_months, name=target.name)
    facts = [
        _fact(t("target"), escape(event), is_wide=True),
        *(_fact(name, escape(said)) for name, said in t.card(artefact.card)),
        _fact(t("kind"), t(f"kind_{artefact.kind.value}")),
        _fact(t("training"), escape(made)),
        _fact(t("period"), escape(_period(artefact, t))),
        _fact(t("calibration_version"), escape(_calibration(artefact))),
        _fact(t("code_version"), f"<code>{escape(training.code_version)}</code>"),
        _fact(t("seed"), f"<code>{training.seed}</code>"),
        _fact(t("parameters"), f"<code>{escape(_parameters(artefact))}</code>", is_wide=True),
        _fact(t("data_hash"), f"<code>{escape(training.data_sha256)}</code>", is_wide=True),
        _fact(t("model_hash"), f"<code>{artefact.sha256}</code>", is_wide=True),
    ]
    return f'<h2>{t("card")}</h2><div class="card"><dl class="facts">{"".join(facts)}</dl></div>'


def _fact(name: str, shown: str, *, is_wide: bool = False) -> str:
    kind = ' class="wide"' if is_wide else ""
    return f"<div{kind}><dt>{name}</dt><dd>{shown}</dd></div>"


def _period(artefact: Artefact, t: Words) -> str:
    period = artefact.training.period
    if not period:
        return t("not_stated")
    return " – ".join(str(value) for value in period.values() if value is not None)


def _calibration(artefact: Artefact) -> str:
    return f"{artefact.calibration.version} ({artefact.calibration.method.value})"


def _parameters(artefact: Artefact) -> str:
    given = artefact.training.parameters
    plain = {key: value for key, value in given.items() if not isinstance(value, dict | list)}
    return ", ".join(f"{key} {value}" for key, value in plain.items())
