"""Parts that many operations of the API's description have in common, said once.

Invariant   Only what is the same to the letter is shared, and `whole` gives back what `share` took.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_REFERENCE: Final = "#/components/"
#: A part of which there are two is shorter as a reference.
_TIMES_LEAST: Final = 2


def share(made: dict[str, Any]) -> None:
    """Move repeated responses and parameters of all operations into the components, in place.

    The commonest form of a name is moved; others of that name stay where they are.
    """
    responses = _commonest(
        (f"{status}_problem", response)
        for operation in _operations(made)
        for status, response in operation["responses"].items()
        if "application/problem+json" in response.get("content", {})
    )
    parameters = _commonest(
        (f"{parameter['name']}_{parameter['in']}", parameter)
        for operation in _operations(made)
        for parameter in operation.get("parameters", ())
    )
    for operation in _operations(made):
        said = operation["responses"]
        for status in said:
            said[status] = responses.reference("responses", said[status])
        if "parameters" in operation:
            operation["parameters"] = [
                parameters.reference("parameters", one) for one in operation["parameters"]
            ]
    made["components"] |= {"parameters": parameters.named(), "responses": responses.named()}


def whole(made: Mapping[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return a response or parameter as it is, where a reference to it stands."""
    reference = part.get("$ref")
    if reference is None:
        return part
    kind, name = str(reference).removeprefix(_REFERENCE).split("/")
    found: dict[str, Any] = made["components"][kind][name]
    return found


def parameters_of(made: Mapping[str, Any], operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of an operation, whole."""
    return [whole(made, part) for part in operation.get("parameters", ())]


def responses_of(
    made: Mapping[str, Any], operation: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the responses of an operation by status, whole."""
    return {status: whole(made, part) for status, part in operation["responses"].items()}


def drop_plain_titles(value: object) -> None:
    """Take away the titles of members that only repeat their names, in place."""
    if isinstance(value, dict):
        members = value.get("properties")
        if isinstance(members, dict):
            for name, member in members.items():
                if isinstance(member, dict) and _is_plain(member.get("title"), name):
                    del member["title"]
        for one in value.values():
            drop_plain_titles(one)
    elif isinstance(value, list):
        for one in value:
            drop_plain_titles(one)


def _is_plain(title: object, name: str) -> bool:
    return isinstance(title, str) and title.replace(" ", "_").lower() == name.lower()


class _Shared:
    """Parts by what they say, each with its name."""

    def __init__(self, names: Mapping[bytes, str]) -> None:
        self._names = names

    def reference(self, kind: str, part: dict[str, Any]) -> dict[str, Any]:
        name = self._names.get(_key(part))
        return part if name is None else {"$ref": f"{_REFERENCE}{kind}/{name}"}

    def named(self) -> dict[str, Any]:
        by_name = sorted((name, key) for key, name in self._names.items())
        return {name: orjson.loads(key) for name, key in by_name}


def _commonest(parts: Iterator[tuple[str, dict[str, Any]]]) -> _Shared:
    """Return the commonest part of each name that occurs more than once."""
    by_name: dict[str, Counter[bytes]] = {}
    for name, part in parts:
        by_name.setdefault(name, Counter())[_key(part)] += 1
    names = {}
    for name, forms in by_name.items():
        # Of as many, the first in the order of letters, so that the same code gives the same text.
        form, times = min(forms.items(), key=lambda one: (-one[1], one[0]))
        if times >= _TIMES_LEAST:
            names[form] = name
    return _Shared(names)


def _key(part: object) -> bytes:
    return orjson.dumps(part, option=orjson.OPT_SORT_KEYS)


def _operations(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in made["paths"].values():
        yield from item.values()
