"""Numbers as people read them in a reason."""

import math

from lifecycle.evidence import Tally
from lifecycle.judge.split import Proof

MOST_SAID = math.log(1e9)
HARDLY_ANY = math.log(2.0)


def counted(tally: Tally, verb: str) -> str:
    """Return counts with their rate.

    >>> counted(Tally(events=62, observations=2000), " failed")
    '62 of 2,000 failed (3.1%)'
    """
    return f"{tally.events:,} of {tally.observations:,}{verb} ({percent(rate(tally))})"


def rate(tally: Tally) -> float:
    """Return events per observation; 0 without observations."""
    return tally.events / tally.observations if tally.observations else 0.0


def percent(fraction: float) -> str:
    """Return a fraction in percent, with the digits a small one needs.

    >>> percent(0.031), percent(0.0004), percent(0.0)
    ('3.1%', '0.04%', '0.0%')
    """
    points = 100.0 * fraction
    return f"{points:.1f}%" if points == 0 or abs(points) >= 1 else f"{points:.2g}%"


def points(fraction: float) -> str:
    """Return a difference of two rates in points of a hundred.

    >>> points(0.021), points(0.0005)
    ('2.1', '0.05')
    """
    return percent(fraction)[:-1]


def once(log_evidence: float) -> str:
    """Return how rarely chance alone gives such evidence at any look.

    >>> once(math.log(48000)), once(-3.0), once(300.0)
    ('once in 48,000', 'easily', 'less than once in 1,000,000,000')
    """
    if log_evidence <= HARDLY_ANY:
        return "easily"
    if log_evidence > MOST_SAID:
        return f"less than once in {math.exp(MOST_SAID):,.0f}"
    return f"once in {float(f'{math.exp(log_evidence):.2g}'):,.0f}"


def proof(probability: float) -> str:
    """Return the rarity that is proof.

    >>> proof(0.01 / 48)
    'once in 4,800 is proof'
    """
    return f"once in {1.0 / probability:,.0f} is proof"


def wrong(probability: float) -> str:
    """Return how rarely a bound is wrong at any look.

    >>> wrong(0.01)
    'wrong at most once in 100'
    """
    return f"wrong at most once in {1.0 / probability:,.0f}"


def undecided(harm: float, safety: float, proofs: Proof, worse: str = "worse") -> str:
    """Return why logs of e-values decide nothing: how certain harm and its absence are, and how certain they must be.

    >>> undecided(math.log(900), 0.0, Proof(of_harm=1 / 6000, of_safety=0.01))
    'not yet proven worse (by chance once in 900, once in 6,000 is proof); not yet proven within what is allowed (by \
chance easily, once in 100 is proof)'
    """
    seen = f"by chance {once(harm)}, {proof(proofs.of_harm)}"
    harmed = (
        f"proven {worse} ({seen}), but by estimate within what is allowed"
        if harm >= -math.log(proofs.of_harm)
        else f"not yet proven {worse} ({seen})"
    )
    return f"{harmed}; not yet proven within what is allowed (by chance {once(safety)}, {proof(proofs.of_safety)})"


def not_yet(harmed: str, least: str | None, probability: float) -> str:
    """Return that a lower bound is no proof of harm; `least` is the bound, None when there is none yet.

    >>> not_yet("worse", "-0.2041", 1 / 6000)
    'not yet proven worse, for which only a bound that is wrong at most once in 6,000 counts: at least -0.2041'
    """
    counts = f"not yet proven {harmed}, for which only a bound that is {wrong(probability)} counts"
    return f"{counts}: {'too few hours for any' if least is None else f'at least {least}'}"


def better_or_worse(difference: float, shown: str) -> str:
    """Return which way a difference goes; `shown` is its size in words.

    >>> better_or_worse(-0.1, "0.1"), better_or_worse(0.0, "0")
    ('better by 0.1', 'equal')
    """
    if difference == 0:
        return "equal"
    return f"{'worse' if difference > 0 else 'better'} by {shown}"
