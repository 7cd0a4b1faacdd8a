"""A decision and what follows from it, stored together or not at all."""

from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.manifest import Manifest
from lifecycle.outcome import StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.verdict import Decision
from stores.ledger.decisions import insert_decision
from stores.ledger.plans import insert_next, standing_revision
from stores.ledger.standings import change_stage, meet_version


class Changes:
    """The one way in which a model's traffic changes: of two who decide from one revision, the first wins whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(
        self,
        decision: Decision,
        at: datetime,
        plan: TrafficPlan | None = None,
        stages: tuple[StageChange, ...] = (),
        met: Manifest | None = None,
    ) -> None:
        """Store a decision, the next plan and the moves of versions in one transaction.

        With `met`, the decision's version is stored as registered first, unless it is known, with that manifest.
        Raises Conflict when the plan the decision was made from no longer stands, TransitionRefused for a move
        that is not listed; nothing is stored then.
        """
        try:
            with self._engine.begin() as connection:
                standing = standing_revision(connection, decision.model)
                if standing != decision.plan_revision:
                    raise Conflict(
                        f"this was decided from plan revision {decision.plan_revision} of {decision.model}, but "
                        f"{standing} stands now; read the plan again and decide anew"
                    )
                if met is not None:
                    meet_version(connection, decision.model, decision.version, met, at)
                if plan is not None:
                    insert_next(connection, plan, at)
                for change in stages:
                    change_stage(connection, decision.model, change, decision.reason, at)
                insert_decision(connection, decision)
        except IntegrityError as error:
            raise Conflict(
                f"another process changed {decision.model} at the same moment; read the plan again and decide anew"
            ) from error
