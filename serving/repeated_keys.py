"""Refuses JSON objects that hold a key twice, where typed decoding would keep the last value and say nothing.

A body that decoded well has a known number of strings, so counting its quotation marks tells in
microseconds that no key is repeated; only a body whose count differs is parsed again.
"""

import json

from lifecycle.errors import FieldProblem
from serving.field_types import shown
from serving.row_problems import violated


def refuse_repeated_keys(raw: bytes, n_strings: int) -> None:
    """Raise ContractViolation naming the first key that an object in well-formed JSON holds twice.

    `n_strings` is how many strings, keys included, the JSON holds when nothing in it is repeated.
    """
    # An escape may stand for a quotation mark, or spell a key in another way.
    if b"\\" in raw or raw.count(b'"') != 2 * n_strings:
        # Numbers stay text: int() gives up at some thousand digits, and no value is looked at.
        json.loads(raw, object_pairs_hook=_once, parse_int=str)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for name, value in pairs:
        if name in seen:
            raise violated(FieldProblem(shown(name)[1:-1], None, "sent twice", "each key of an object once"))
        seen[name] = value
    return seen
