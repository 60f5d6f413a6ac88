"""Lists: the address says everything, and pages by key run both ways."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from counterfoil.platform.web.lists import (
    PAGE_ROWS,
    Key,
    ListShape,
    ListState,
    make_page,
    read_list_state,
)

SHAPE = ListShape(
    path="/console/loans",
    filters={"status": ("open", "closed"), "days": ()},
    sorts=("number", "balance"),
    default_sort="number",
)


def _state(query: str = "") -> ListState:
    return read_list_state(SHAPE, dict(parse_qsl(query)))


def _query(href: str) -> dict[str, str]:
    assert urlsplit(href).path == SHAPE.path
    return dict(parse_qsl(urlsplit(href).query))


def test_nothing_asked_is_the_default_order() -> None:
    state = _state()
    assert (state.sort, state.is_descending, state.sign, state.problems) == ("number", True, -1, ())
    assert not state.is_filtered


def test_filters_are_kept_by_every_link() -> None:
    state = _state("status=open&days=31&sort=balance&order=asc")
    assert (state.chosen("status"), state.number("days")) == ("open", 31)
    for href in (state.href_sorted("number"), state.href_after(Key(5, 6))):
        query = _query(href)
        assert (query["status"], query["days"]) == ("open", "31")


def test_a_second_click_on_a_header_turns_the_order() -> None:
    first = _query(_state().href_sorted("balance"))
    assert first == {"sort": "balance", "order": "desc"}
    second = _query(_state("sort=balance&order=desc").href_sorted("balance"))
    assert second == {"sort": "balance", "order": "asc"}


def test_sorting_goes_back_to_the_first_page() -> None:
    assert "after" not in _query(_state("after=1~2").href_sorted("balance"))


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ("status=stolen", ("status",)),
        ("days=-1", ("days",)),
        ("days=9999999", ("days",)),
        ("sort=name", ("sort",)),
        ("order=sideways", ("order",)),
        ("after=x", ("after",)),
        ("after=1~", ("after",)),
        ("before=1~2~3", ("before",)),
        ("unknown=1", ()),
    ],
)
def test_what_is_not_understood_is_named_and_left_out(
    query: str, problems: tuple[str, ...]
) -> None:
    state = _state(query)
    assert state.problems == problems
    assert not state.is_filtered


def _pages_of(rows: list[int]) -> list[list[int]]:
    """Walk a list from its start to its end and back as a reader would."""

    def read(state: ListState) -> list[int]:
        ordered = sorted(rows, reverse=state.sign < 0)
        if state.key is not None:
            number = state.key.number
            ordered = [row for row in ordered if state.sign * row > state.sign * number]
        return ordered[: PAGE_ROWS + 1]

    seen, state = [], _state()
    while True:
        found = read(state)
        page = make_page(state, found, [Key(0, row) for row in found])
        seen.append(list(page.rows))
        if page.next_href is None:
            break
        state = read_list_state(SHAPE, _query(page.next_href))
    back = [list(page.rows)]
    while page.previous_href is not None:
        state = read_list_state(SHAPE, _query(page.previous_href))
        found = read(state)
        page = make_page(state, found, [Key(0, row) for row in found])
        back.append(list(page.rows))
    assert back[::-1] == seen
    return seen


@pytest.mark.parametrize("count", [0, 1, PAGE_ROWS, PAGE_ROWS + 1, 2 * PAGE_ROWS, 173])
def test_walking_forth_and_back_shows_every_row_once_in_order(count: int) -> None:
    rows = list(range(1, count + 1))
    walked = [row for page in _pages_of(rows) for row in page]
    assert walked == rows[::-1]
