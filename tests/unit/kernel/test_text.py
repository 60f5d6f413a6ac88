"""Text is kept in one form, however it was written and escaped."""

import json
from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.text import normal, normal_json

TEXTS = st.text(
    st.sampled_from(
        'ae"\\/\n\x7f\0{}[]:, é\u0301\u0308\u0338\u00c5\u212b\ud55c\u1112\u1161\u4e2d\U0001f600'
    )
)


@given(
    st.dictionaries(
        st.text('ae"\\u01'), st.lists(TEXTS | st.integers() | st.none(), max_size=3), max_size=3
    )
)
def test_json_of_any_spelling_says_the_same_in_one_form(said: dict[str, list[object]]) -> None:
    wanted = {
        name: [normal(one) if isinstance(one, str) else one for one in values]
        for name, values in said.items()
    }
    for is_escaped in (True, False):
        raw = json.dumps(said, ensure_ascii=is_escaped).encode()
        assert json.loads(normal_json(raw)) == wanted
        if wanted == said:
            assert normal_json(raw) == raw


def test_half_a_pair_and_what_is_no_text_stay_for_the_reader_to_refuse() -> None:
    for raw in (b'{"a": "\\ud800\\u0301e\\u0301"}', b"\xff\xfe", b'{"a": "\\u12"}', b'"\\'):
        assert b"\xed\xa0\x80" not in normal_json(raw)
    lone = json.loads(normal_json(b'{"a": "\\ud800e\\u0301"}'))
    assert lone == {"a": "\ud800\u00e9"}
    assert normal("e\u0301") == normalize("NFC", "e\u0301") == "\u00e9"
