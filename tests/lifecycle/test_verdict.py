"""The worst finding decides."""

import pytest

from lifecycle.verdict import Finding, Verdict, worst


def _finding(verdict: Verdict) -> Finding:
    return Finding("rule", verdict, 1.0, 1.0, "")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), Verdict.INCONCLUSIVE),
        ((Verdict.PASS,), Verdict.PASS),
        ((Verdict.PASS, Verdict.INCONCLUSIVE), Verdict.INCONCLUSIVE),
        ((Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.PASS), Verdict.ERROR),
        ((Verdict.ERROR, Verdict.FAIL), Verdict.FAIL),
    ],
)
def test_the_worst_of_several_findings_is_the_verdict(verdicts: tuple[Verdict, ...], expected: Verdict) -> None:
    """Harm outranks lack of evidence, which outranks a pass."""
    assert worst(tuple(_finding(verdict) for verdict in verdicts)) is expected
