"""A decision in one sentence with its numbers."""

from collections.abc import Iterator
from itertools import islice

from lifecycle.evaluation import Evaluation
from lifecycle.outcome import Action
from lifecycle.verdict import Decision

LONGEST = 180
"""Characters; a reason goes on clause by clause, and `holdfast decisions` has the whole of it."""

DONE = {
    Action.ADMIT: "let in",
    Action.REJECT: "rejected",
    Action.START_SHADOW: "into shadow",
    Action.START_CANARY: "canary",
    Action.ADVANCE: "next canary step",
    Action.PROMOTE: "champion",
    Action.ROLL_BACK: "rolled back",
    Action.HOLD: "held",
    Action.RESUME: "resumed",
    Action.PIN: "pinned",
    Action.ALARM: "alarm",
}


def sentence(decision: Decision) -> str:
    """Return what was decided and why, such as "rejected: shadow-quality: log_loss is 0.71 …"."""
    return "; ".join([f"{done(decision)}: {condensed(decision.reason)}", *_measured(decision), *_better(decision)])


def done(decision: Decision) -> str:
    """Return what became of the version, in a word or two."""
    known = {str(action): words for action, words in DONE.items()}
    return known.get(decision.action, decision.action.replace("_", " "))


def condensed(reason: str, longest: int = LONGEST) -> str:
    """Return the first clauses of a reason, as many as fit; the first one always.

    >>> condensed("worse by 0.2; certainly by 0.1", longest=20)
    'worse by 0.2'
    """
    kept, *further = reason.split("; ")
    for clause in further:
        if len(kept) + len(clause) + 2 > longest:
            break
        kept = f"{kept}; {clause}"
    return kept


def _measured(decision: Decision) -> Iterator[str]:
    """Yield what the offline gate measured, when it was that gate's decision."""
    if "evaluation" in decision.evidence:
        overall = Evaluation.model_validate(decision.evidence["evaluation"]).candidate.overall
        if overall.log_loss is not None:
            yield f"log-loss {overall.log_loss:.4f} over {overall.rows:,} rows that it had not seen"


def _better(decision: Decision) -> Iterator[str]:
    """Yield what a version that earned more was better at; its reason alone counts answers only."""
    if (
        decision.action not in (Action.START_CANARY, Action.ADVANCE, Action.PROMOTE)
        or "evidence" not in decision.evidence
    ):
        return
    # A rollout rule's value is how much worse the version is; below 0 it is better.
    found = (finding for finding in decision.findings if finding.value is not None and finding.value < 0)
    for finding in islice(found, 1):
        yield f"{finding.rule_id}: {condensed(finding.reason, longest=0)}"
