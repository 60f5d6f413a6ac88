"""The gate of record numbers: who sees pseudonyms knows records by aliases, in and out.

In          The address, the query and the fields of a form of such a visitor are read with the
            records' own numbers in the place of the visitor's aliases, before any page sees them.
            A number of another's list, and a record's own number, are refused.
Out         In whatever is about to be sent the records' own numbers become the visitor's aliases:
            a page that is added later cannot forget it. What is no text of ours is not sent.
Between     Pages, trail and logs know true numbers alone.
"""

from typing import Final
from urllib.parse import parse_qsl, unquote_plus, urlencode

from starlette.requests import Request
from starlette.responses import Response

from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.journeys.guarding.show_persons import aliases_for
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy.alias import Aliases, aliases_in
from counterfoil.privacy.refusals import RECORD_NUMBER_OF_ANOTHER

#: What numbers can be changed in: our own pages, and tables of figures.
_REWRITABLE: Final = ("text/html", "text/csv")
#: Headers that say where something is or what it is called.
_WITH_NUMBERS: Final = frozenset({"location", "content-disposition"})


def take_in(visit: Visit) -> Refused | None:
    """Read what a visitor asks for with true numbers; refuse numbers that are not the visitor's."""
    visit.aliases = aliases_for(visit.desk.house, visit.actor)
    scope = visit.request.scope
    query = scope["query_string"].decode("latin-1")
    if visit.aliases is None:
        given = " ".join([scope["path"], unquote_plus(query), *visit.values.values()])
        return refuse(RECORD_NUMBER_OF_ANOTHER) if aliases_in(given) else None
    read = _Reader(visit.aliases)
    params = {name: read(str(value)) for name, value in scope["path_params"].items()}
    values = {name: read(value) for name, value in visit.values.items()}
    path = read(scope["path"])
    # As the pages will read it: what stands there may be written in per cent signs.
    asked = parse_qsl(query, keep_blank_values=True)
    query = urlencode([(read(name), read(value)) for name, value in asked])
    if read.refused is not None:
        return read.refused
    known = {"path": path, "path_params": params, "query_string": query.encode("latin-1")}
    visit.request, visit.values = Request({**scope, **known}, visit.request.receive), values
    return None


def forget(visit: Visit) -> None:
    """Take out of a visit what was asked for, so that no answer tells what stands behind it."""
    nothing = {"path": f"{BASE}/", "path_params": {}, "query_string": b""}
    visit.request = Request({**visit.request.scope, **nothing}, visit.request.receive)
    visit.values = {}


def can_be_given(visit: Visit, response: Response) -> bool:
    """Tell whether an answer has nothing in it but what aliases can be put into."""
    kind = response.headers.get("content-type", "")
    return visit.aliases is None or not response.body or kind.startswith(_REWRITABLE)


def give_out(visit: Visit, response: Response) -> None:
    """Put the visitor's aliases into an answer and its headers; nothing for who sees persons."""
    if visit.aliases is None:
        return
    response.body = visit.aliases.give_out(bytes(response.body).decode()).encode()
    for name in _WITH_NUMBERS & set(response.headers):
        response.headers[name] = visit.aliases.give_out(response.headers[name])
    if "content-length" in response.headers:
        response.headers["content-length"] = str(len(response.body))


class _Reader:
    """Reads one text after another and keeps the first refusal."""

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases
        self.refused: Refused | None = None

    def __call__(self, text: str) -> str:
        found = self._aliases.take_in(text)
        if isinstance(found, Refused):
            self.refused = self.refused or found
            return ""
        return found
