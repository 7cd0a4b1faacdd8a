"""The way that a micro-batch goes when the champion cannot answer it, by the policy's list."""

from collections.abc import Callable
from dataclasses import dataclass

from feature_repo.definition import ModelDefinition
from lifecycle.tiers_policy import TiersPolicy
from serving.answer import MODEL_TIER
from serving.arms import Arm
from serving.parts import Scores
from serving.rollout.workers import Workers
from serving.stage import Stage
from serving.tiers.breakers import FEATURES, FailureBreakers, TierBreakers, small_name
from serving.tiers.last import STATIC, StaticTier
from serving.tiers.rule import RULE, rule_of
from serving.tiers.run import TierRun
from serving.tiers.tier import Tier

PREVIOUS, SMALL = "previous", "small"
MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Fallback:
    """Makes the tiers of one champion; `stage_of` gives the stage of a tier's name and predictor in its place."""

    policy: TiersPolicy
    definition: ModelDefinition
    breakers: FailureBreakers
    rule_workers: Workers
    retried: Callable[[], None]
    stage_of: Callable[[str, Scores | None], Stage]

    def run(
        self,
        stage: Stage,
        workers: Workers,
        deadline_ms: float,
        instead: Tier,
        *,
        tier: str = MODEL_TIER,
        breaker: str | None = None,
        ruled: bool | None = None,
        reads_again: bool = False,
    ) -> TierRun:
        """Return a stage as a tier; `breaker` names what is not asked any more after failures, None for never.

        `ruled` says whether the rule answers while the stage's answers are stopped; by default for the champion.
        `reads_again` is TierRun's.
        """
        model = self.definition.name
        ruled = breaker is not None and tier == MODEL_TIER if ruled is None else ruled
        return TierRun(
            stage,
            workers,
            deadline_seconds=deadline_ms / MS_PER_SECOND,
            budget_seconds=self.policy.deadline_ms / MS_PER_SECOND,
            instead=instead,
            breakers=TierBreakers(
                self.policy.breaker,
                self.breakers.of(model, FEATURES),
                None if breaker is None else self.breakers.of(model, breaker),
            ),
            tier=tier,
            rule=self.rule() if ruled else None,
            reads_again=reads_again,
            retried=self.retried,
        )

    def rule(self) -> Tier | None:
        """Return the rule, None for a model that has none."""
        scores = rule_of(self.definition)
        if scores is None:
            return None
        limits = [one.deadline_ms for one in self.policy.fallback if one.tier == RULE]
        stage = self.stage_of(RULE, scores)
        deadline_ms = limits[0] if limits else self.policy.deadline_ms
        return self.run(stage, self.rule_workers, deadline_ms, self.static(), tier=RULE, ruled=False)

    def static(self) -> Tier:
        """Return the end of the way."""
        return StaticTier(self.stage_of(STATIC, None), self.policy.static.score)

    def chain(self, champion: Arm, previous: Arm | None, previous_stage: Stage | None) -> Tier:
        """Return who answers instead of the champion: the first of the tiers that there are."""
        tier = self.static()
        for one in reversed(self.policy.fallback):
            if one.tier == RULE:
                tier = self.rule() or tier
            elif one.tier == SMALL and champion.small is not None:
                stage = self.stage_of(SMALL, champion.small)
                # Not in the version's own threads: they may all hang.
                name, workers = small_name(champion.version), self.rule_workers
                tier = self.run(stage, workers, one.deadline_ms, tier, tier=SMALL, breaker=name)
            elif one.tier == PREVIOUS and previous is not None and previous_stage is not None:
                tier = self.run(
                    previous_stage,
                    previous.workers,
                    one.deadline_ms,
                    tier,
                    tier=PREVIOUS,
                    breaker=previous.version,
                )
        return tier
