"""The written list of who answers when the champion cannot."""

from typing import Any

import pytest
from pydantic import ValidationError

from lifecycle.tiers_policy import TiersPolicy


def section(**changes: Any) -> dict[str, Any]:
    """Return a section that is fine, changed."""
    return {
        "deadline_ms": 1000,
        "champion_ms": 500,
        "fallback": [{"tier": "previous", "deadline_ms": 300}, {"tier": "rule", "deadline_ms": 100}],
        "static": {"score": 0.2, "because": "so many are late"},
        "breaker": {"failures": 5, "cool_down_seconds": 5},
        **changes,
    }


def test_section_reads_as_sentences() -> None:
    """In order, with every deadline."""
    first, second = TiersPolicy.model_validate(section()).sentences()
    assert "within 1000 ms" in first
    assert "the previous champion (300 ms), then the rule (100 ms), and at last the fixed score 0.2" in first
    assert "5 times in a row" in second


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"champion_ms": 700}, "1100 ms together; deadline_ms allows 1000"),
        ({"fallback": [{"tier": "rule", "deadline_ms": 1}] * 2}, "twice: rule"),
        ({"fallback": [{"tier": "guess", "deadline_ms": 1}]}, "previous"),
        ({"static": {"score": 1.2, "because": "x"}}, "less than or equal to 1"),
        ({"breaker": {"failures": 0, "cool_down_seconds": 5}}, "greater than 0"),
    ],
)
def test_section_that_cannot_be_followed_is_refused(changes: dict[str, Any], said: str) -> None:
    """With the number and what is allowed."""
    with pytest.raises(ValidationError, match=said):
        TiersPolicy.model_validate(section(**changes))
