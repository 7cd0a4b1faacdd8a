"""Challengers are registered when their time comes, and followed until their stories are told."""

from datetime import timedelta
from io import StringIO

import numpy as np
import yaml

from flows.challengers.cast import Challenger
from flows.challengers.material import Made, Material
from flows.playing.scene import Scene
from flows.playing.trials import Trials
from flows.training.booster import grow_booster
from flows.training.rows import training_rows
from flows.training.window import TrainingWindow
from lifecycle.errors import EvidenceMissing
from lifecycle.outcome import Action, Outcome, StageChange, decision_of
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from stores.ledger.changes import Changes
from stores.ledger.standings import Standings
from tests.flows import toy
from tests.flows.playing.conftest import LIVE


def make(material: Material) -> Made:
    """Return a version that is nothing but a sentence."""
    return Made(model="a model", example=np.zeros((1, 3), np.float32), own_log_loss=0.25, told="a version like others")


CAST = (Challenger("early", timedelta(0), make), Challenger("late", timedelta(hours=12), make))


class Shed:
    """A workshop in memory: versions are counted from "2", and the experiments kept."""

    def __init__(self) -> None:
        self.experiments: list[str] = []

    @property
    def material(self) -> Material:
        """Return rows of the toy and a champion."""
        policy = Policy.model_validate(yaml.safe_load(toy.POLICY))
        some = toy.some_rows(100)
        rows = training_rows(TrainingWindow(LIVE, LIVE, LIVE, LIVE), some, some)
        champion = grow_booster(some.matrix, some.labels, toy.DEFINITION.vector, policy.training)
        return Material(toy.DEFINITION, policy, rows, champion)

    def register(self, made: Made, experiment: str) -> str:
        """Keep the experiment of a version that has an example."""
        assert made.example.size
        self.experiments.append(experiment)
        return str(len(self.experiments) + 1)


def end(scene: Scene, version: str, stage: Stage) -> None:
    """Have a version picked up and moved to a stage."""
    Standings(scene.engine).meet("toy", version, None, LIVE)
    plan = scene.plans.current("toy")
    outcome = Outcome(Action.REJECT, version, Verdict.FAIL, "no good", (), None, (StageChange(version, stage),))
    decision = decision_of(
        outcome, plan, decision_id=version, policy_revision="p", actor="test", decided_at=LIVE, evidence={}
    )
    Changes(scene.engine).apply(decision, LIVE, None, outcome.stages)


def test_each_is_registered_when_its_time_comes_and_once(scene: Scene, said: StringIO) -> None:
    """The terminal says who made what, and what its author measured."""
    shed = Shed()
    running = Trials(scene, CAST, shed)
    running.register_due(LIVE)
    running.register_due(LIVE + timedelta(hours=11))
    assert shed.experiments == ["toy-early"]
    running.register_due(LIVE + timedelta(hours=12))
    assert shed.experiments == ["toy-early", "toy-late"]
    assert "version 2 registered in MLflow: a version like others" in said.getvalue()
    assert "log-loss of 0.250" in said.getvalue()


def test_what_is_open_is_said_of_each_until_it_has_ended(scene: Scene) -> None:
    """Not picked up, on its way, ended."""
    shed = Shed()
    running = Trials(scene, CAST, shed)
    running.register_due(LIVE)
    assert running.untold() == ("version 2 (early) was not picked up", "late was not registered yet")
    Standings(scene.engine).meet("toy", "2", None, LIVE)
    assert running.untold()[0] == "version 2 (early) is registered"
    end(scene, "2", Stage.REJECTED)
    assert running.untold() == ("late was not registered yet",)
    running.register_due(LIVE + timedelta(days=1))
    end(scene, "3", Stage.REJECTED)
    assert running.untold() == ()


def test_a_version_that_the_rows_do_not_allow_is_left_out_and_said(scene: Scene, said: StringIO) -> None:
    """A model without a slice of the right size is played without it."""

    def fail(material: Material) -> Made:
        raise EvidenceMissing("no value of site has from 8% to 50% of the 10 rows")

    running = Trials(scene, (Challenger("slow", timedelta(0), fail),), Shed())
    running.register_due(LIVE)
    assert running.untold() == ()
    assert "slow is left out: no value of site has from 8% to 50% of the 10 rows" in said.getvalue()
