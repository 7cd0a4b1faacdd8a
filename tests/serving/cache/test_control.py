"""What callers say of caches."""

import pytest

from serving.cache.control import cache_control


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"no-cache", (True, False)),
        (b"No-Cache, max-age=0", (True, False)),
        (b"no-store", (True, True)),
        (b"private, NO-STORE", (True, True)),
        (b'no-cache="x"', (True, False)),
        (b"max-age=60", (False, False)),
        (b"", (False, False)),
        (b"\xff\xfe", (False, False)),
    ],
)
def test_words_are_read_in_any_order_and_case(said: bytes, expected: tuple[bool, bool]) -> None:
    """A new answer, or one that is not kept either; anything else changes nothing."""
    assert cache_control({b"cache-control": said}) == expected
