"""The wall for what people type: identity and phone numbers end here, before anything keeps them.

Why here    What somebody types for a reason is read by others, on pages, in answers, exports, the
            trail and notices. Behind this wall nobody has to remember to hide what never came in.
Doors       The bodies of the API (`api.shapes.FreeText`), the forms of console and portal, and the
            options of the command line; tests walk all of them. Journeys hide again what may come
            another way. The words of a campaign are not hidden but refused with any figure in them.
"""

from collections.abc import Mapping
from typing import Final

from counterfoil.privacy.masking import mask_free_text

#: Names of the fields and options in which people write freely, of all doors.
FIELDS: Final = frozenset(
    {
        "about",
        "finding",
        "grounds",
        "method",
        "note",
        "override",
        "purpose",
        "reason",
        "said",
        "summary",
        "what",
    }
)


def without_numbers(typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into a form, with numbers hidden where people write freely."""
    return {
        name: mask_free_text(value) if name in FIELDS else value for name, value in typed.items()
    }
