"""Proposals to change a policy's numbers: made by a flow, ended by a person, kept for good."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update

from lifecycle.errors import Conflict, NotFound
from lifecycle.proposal import Proposal, ProposalState
from lifecycle.verdict import Decision
from stores.ledger.decisions import insert_decision
from stores.ledger.watching_schema import proposals

RECALIBRATE = "flow:recalibrate"


@dataclass(frozen=True)
class _Ending:
    """The columns in which an ended proposal differs from an open one."""

    state: ProposalState
    who: str
    because: str
    ended_at: datetime


class Proposals:
    """The proposals about every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def propose(self, proposal: Proposal) -> bool:
        """Store an open proposal and return whether it is new.

        An open one about the same number that says the same stays as it is; one that says otherwise is superseded.
        """
        with self._engine.begin() as connection:
            for known in _of(connection, proposal.model):
                if known.state is not ProposalState.OPEN or known.key != proposal.key:
                    continue
                if _says(known) == _says(proposal):
                    return False
                told = f"proposal {proposal.proposal_id} took its place"
                _end(connection, known, _Ending(ProposalState.SUPERSEDED, RECALIBRATE, told, proposal.proposed_at))
            connection.execute(insert(proposals).values(asdict(proposal) | {"state": str(proposal.state)}))
        return True

    def of(self, model: str) -> tuple[Proposal, ...]:
        """Return every proposal there was about a model, oldest first."""
        with self._engine.connect() as connection:
            return _of(connection, model)

    def open(self, model: str) -> tuple[Proposal, ...]:
        """Return the proposals about a model that wait for a person, oldest first."""
        return tuple(known for known in self.of(model) if known.state is ProposalState.OPEN)

    def models(self) -> tuple[str, ...]:
        """Return the models that anything was ever proposed for, sorted."""
        with self._engine.connect() as connection:
            return tuple(connection.scalars(select(proposals.c.model).distinct().order_by(proposals.c.model)))

    def end(
        self,
        proposal_id: str,
        state: ProposalState,
        decision: Decision,
        because: str,
        *,
        act: Callable[[], None] = lambda: None,
    ) -> None:
        """Store what became of an open proposal, with the decision, and `act` while nobody else can.

        Raises NotFound, Conflict when it was ended already, and whatever `act` raises; then nothing is stored.
        """
        with self._engine.begin() as connection:
            row = connection.execute(select(proposals).where(proposals.c.proposal_id == proposal_id)).first()
            if row is None:
                raise NotFound(f"no proposal {proposal_id!r}; `holdfast proposals` lists those that are open")
            known = _proposal(row)
            _end(connection, known, _Ending(state, decision.actor, because, decision.decided_at))
            insert_decision(connection, decision)
            act()


def _end(connection: Connection, known: Proposal, ending: _Ending) -> None:
    still_open = (proposals.c.proposal_id == known.proposal_id) & (proposals.c.state == ProposalState.OPEN)
    ended = asdict(ending)
    if not connection.execute(update(proposals).where(still_open).values(ended)).rowcount:
        raise Conflict(f"proposal {known.proposal_id} was {known.state} by {known.who} at {known.ended_at}")


def _says(proposal: Proposal) -> tuple[str, str, float, float]:
    return proposal.version, proposal.policy_revision, proposal.written, proposal.proposed


def _of(connection: Connection, model: str) -> tuple[Proposal, ...]:
    mine = select(proposals).where(proposals.c.model == model).order_by(proposals.c.proposed_at)
    return tuple(_proposal(row) for row in connection.execute(mine))


def _proposal(row: Row[tuple[object, ...]]) -> Proposal:
    values = row._asdict()
    return Proposal(**{**values, "state": ProposalState(values["state"])})
