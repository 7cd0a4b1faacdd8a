"""How the policy's error probability is shared out."""

from dataclasses import dataclass

from lifecycle.rollout_policy import RolloutPolicy, RolloutRule

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Proof:
    """How improbable evidence must be, by chance alone, to prove harm and to prove its absence."""

    of_harm: float
    of_safety: float


def chances_of_harm(policy: RolloutPolicy) -> int:
    """Return how many times a rollout gives chance the opportunity to take a good version back.

    Every shadow rule counts once, every canary rule once a step; a sliced rule counts `slices_at_most` times that. A
    level, such as memory, is read off and not tested, so it does not count; nor do the champion's rules, which have a
    false alarm rate of their own.
    """
    shadow = sum(_asked(rule) for rule in policy.rules_of("shadow"))
    canary = sum(_asked(rule) for rule in policy.rules_of("canary"))
    return shadow + canary * len(policy.canary.steps)


def trial_proof(policy: RolloutPolicy) -> Proof:
    """Return what is proof in shadow and canary.

    Harm: `error_probability` divided evenly by `chances_of_harm`, so that the whole rollout keeps it. Safety: the whole
    `error_probability` for each rule, because a version must pass every rule, so no rule adds to the others' errors.
    """
    return Proof(policy.error_probability / max(chances_of_harm(policy), 1), policy.error_probability)


def detectors(policy: RolloutPolicy) -> int:
    """Return how many changes the champion is watched for; they share `false_alarm_every_days`."""
    return max(sum(_asked(rule) for rule in policy.rules_of("champion")), 1)


def champion_proof(policy: RolloutPolicy) -> Proof:
    """Return what is proof over one window of the champion, for what is not a series of counts."""
    windows = policy.champion.false_alarm_every_days * HOURS_PER_DAY / policy.champion.window_hours
    return Proof(min(1.0 / max(windows, 1.0), 0.5) / detectors(policy), policy.error_probability)


def _asked(rule: RolloutRule) -> int:
    if rule.when.metric == "memory_mb":
        return 0
    return rule.when.slices_at_most or 1
