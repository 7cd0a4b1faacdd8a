"""What becomes of a proposal by a person's word: the policy's file changed and the word stored, or the word alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import uuid4

from pydantic_core import to_jsonable_python
from sqlalchemy import Engine

from console.word import Word, note_refusal
from lifecycle.errors import Conflict, HoldfastError, InvalidInput, NotFound
from lifecycle.people import Override, require_permission
from lifecycle.proposal import Proposal, ProposalState
from lifecycle.verdict import Decision, worst
from stores.clock import ReplayClock
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.proposals import Proposals
from stores.policies import load_policy
from stores.policy_change import PolicyChange, change_number
from stores.settings import Settings

DECLINE = "decline"
"""What a decision is called that leaves the policy as it is written."""


@dataclass(frozen=True)
class _Desk:
    """Whose word it is, why, and where it is kept."""

    name: str
    reason: str
    places: Settings
    engine: Engine


def end_proposals(
    model: str, name: str, reason: str, places: Settings, *, reject: bool
) -> tuple[tuple[Decision, str], ...]:
    """Apply or reject what is open for a model; return each stored decision with the diff that was applied.

    Raises NotPermitted, NotFound when nothing is open, Conflict when the policy has changed since or another was
    first, InvalidInput without a reason; then nothing has changed, and the attempt is a line of `run/overrides.log`.
    """
    try:
        if not reason.strip():
            raise InvalidInput("the reason is empty; say why, for those who read the decision later")
        policy = load_policy(places.policies, model)
        require_permission(policy.people, name, Override.RECALIBRATE)
        engine = open_ledger(places.ledger_address)
        waiting = Proposals(engine).open(model)
        if not waiting:
            ended = [known for known in Proposals(engine).of(model) if known.who is not None][-1:]
            last = "".join(f"; the last was {known.state} by {known.who}" for known in ended)
            raise NotFound(f"nothing is proposed for {model}{last}")
        end = _reject if reject else _apply
        desk = _Desk(name, reason.strip(), places, engine)
        return tuple(end(known, desk) for known in waiting)
    except HoldfastError as error:
        note_refusal(Word(Override.RECALIBRATE, model, name, reason), error, places.run / "overrides.log")
        raise


def _apply(known: Proposal, desk: _Desk) -> tuple[Decision, str]:
    change = change_of(known, desk.places)
    told = f"{known.key} is {known.proposed:g} instead of {known.written:g}: {desk.reason}"
    more = {"diff": change.diff(), "policy": change.policy_after.model_dump(mode="json")}
    decision = _decision(known, Override.RECALIBRATE, told, desk, more)
    # The file last, while the ledger is held: of two who apply at once, the second finds the proposal ended.
    Proposals(desk.engine).end(known.proposal_id, ProposalState.APPLIED, decision, desk.reason, act=change.write)
    return decision, change.diff()


def _reject(known: Proposal, desk: _Desk) -> tuple[Decision, str]:
    told = f"{known.key} stays as it is written, not {known.proposed:g}: {desk.reason}"
    decision = _decision(known, DECLINE, told, desk, {})
    Proposals(desk.engine).end(known.proposal_id, ProposalState.REJECTED, decision, desk.reason)
    return decision, ""


def change_of(known: Proposal, places: Settings) -> PolicyChange:
    """Return what a proposal makes of the policy's file; raises Conflict when the policy has changed since."""
    change = change_number(places.policies, known.model, known.key, known.written, known.proposed)
    standing = change.policy_before.revision()
    if standing != known.policy_revision:
        raise Conflict(
            f"this was proposed for revision {known.policy_revision} of the policy, and {standing} is written now; "
            "reject it, and run the flow recalibrate with again=true"
        )
    return change


def _decision(known: Proposal, action: str, told: str, desk: _Desk, more: Mapping[str, object]) -> Decision:
    return Decision(
        decision_id=uuid4().hex,
        model=known.model,
        version=known.version,
        action=action,
        verdict=worst(()),
        reason=told,
        findings=(),
        policy_revision=known.policy_revision,
        plan_revision=Plans(desk.engine).current(known.model).revision,
        actor=f"person:{desk.name}",
        decided_at=ReplayClock(Progress(desk.engine)).now(),
        evidence={"proposal": to_jsonable_python(asdict(known)), **more},
    )
