"""What a customer is told of a trait, in plain words: who said so, how old it is, what to do."""

from typing import Final

from counterfoil.features.registry import Registry
from counterfoil.journeys.knowing.facts import Quality
from counterfoil.journeys.knowing.profile import Trait

_EN: Final = {
    Quality.GOOD: "",
    Quality.DEGRADED: " We are checking this source.",
    Quality.CONTESTED: " You told us that this is wrong; we are looking at it.",
    Quality.STALE: " Too old to be used in decisions.",
    Quality.STOPPED: "We do not use this source at the moment.",
    Quality.ENDED: "We no longer use this.",
    Quality.UNKNOWN: "We know nothing about this.",
}
_ZH: Final = {
    Quality.GOOD: "",
    Quality.DEGRADED: "我们正在核查这一来源。",
    Quality.CONTESTED: "您已告知有误，我们正在核查。",
    Quality.STALE: "已过期，不再用于决策。",
    Quality.STOPPED: "目前暂停使用这一来源。",
    Quality.ENDED: "不再使用此项。",
    Quality.UNKNOWN: "我们没有这一项的信息。",
}


def plain_words(registry: Registry, trait: Trait) -> tuple[str, str]:
    """Return what is told of a trait in English and in Chinese."""
    if trait.value is None or trait.on is None:
        quality = trait.quality if trait.quality in _WITHOUT_VALUE else Quality.UNKNOWN
        return _EN[quality], _ZH[quality]
    source = registry.sources[trait.source]
    en = f"{source.name_en}, {trait.on}."
    zh = f"{source.name_zh}，{trait.on}。"
    if trait.model:
        en = f"Concluded by {trait.model} on {trait.on}; nobody observed it."
        zh = f"由 {trait.model} 于 {trait.on} 推断得出，并非直接观察。"
    return en + _EN[trait.quality], zh + _ZH[trait.quality]


_WITHOUT_VALUE: Final = frozenset({Quality.STOPPED, Quality.ENDED})
