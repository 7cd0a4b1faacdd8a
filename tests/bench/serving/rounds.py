"""What is measured of each server, round after round in turn, so that a slow minute hits all of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from lifecycle.errors import EvidenceMissing
from tests.bench.serving.load import Generator, Measured, Target
from tests.bench.serving.requests import ROWS_PER_BATCH, Bodies

ROUNDS = 7
SECONDS = 1.0
WARM_UP_SECONDS = 1.0
MANY_CONNECTIONS = 32
BATCH_CONNECTIONS = 4
"""Many short rounds: what else runs on the machine then hits all contestants of a round alike."""


@dataclass(frozen=True)
class Contestant:
    """One way to ask for predictions: an address that takes posts, and the bodies in its form."""

    name: str
    address: str
    bodies: Bodies


@dataclass(frozen=True)
class Round:
    """One round of one contestant; `alone_from` and `alone_to` are the epoch seconds of the one-connection load."""

    alone: Measured
    many: Measured
    batch: Measured
    alone_from: float
    alone_to: float
    many_to: float

    @property
    def rows_per_second(self) -> float:
        """Rows answered per second when each request has ROWS_PER_BATCH of them."""
        return self.batch.per_second * ROWS_PER_BATCH


Results = Mapping[str, Sequence[Round]]
"""The rounds of each contestant, by its name."""


def run_rounds(
    generator: Generator, contestants: Sequence[Contestant], on_done: Callable[[str], None]
) -> dict[str, list[Round]]:
    """Return every contestant's rounds; raises EvidenceMissing when any answer was not 2xx."""
    for contestant in contestants:
        for bodies in (contestant.bodies.single, contestant.bodies.batch):
            _require_an_answer(contestant, bodies)
            generator.measure(Target(contestant.address, bodies), BATCH_CONNECTIONS, WARM_UP_SECONDS)
    results: dict[str, list[Round]] = {contestant.name: [] for contestant in contestants}
    for _ in range(ROUNDS):
        for contestant in contestants:
            results[contestant.name].append(_one_round(generator, contestant))
            on_done(contestant.name)
    return results


def _require_an_answer(contestant: Contestant, bodies: Path) -> None:
    first = bodies.read_bytes().splitlines()[0]
    answer = httpx.post(contestant.address, content=first, headers={"Content-Type": "application/json"}, timeout=30)
    if not answer.is_success:
        said = f"{answer.status_code}: {answer.text[:500]}"
        raise EvidenceMissing(f"{contestant.name} cannot be measured; it answers {first[:300]!r} with {said}")


def middle(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """Return the median of a figure over rounds."""
    return median(figure(one) for one in rounds)


def ratio(ours: Sequence[Round], theirs: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """Return the median, over rounds, of our figure divided by theirs in the same round."""
    return median(figure(one) / figure(other) for one, other in zip(ours, theirs, strict=True))


def _one_round(generator: Generator, contestant: Contestant) -> Round:
    single, batch = (
        Target(contestant.address, contestant.bodies.single),
        Target(contestant.address, contestant.bodies.batch),
    )
    alone_from = time.time()
    alone = generator.measure(single, 1, SECONDS)
    alone_to = time.time()
    many = generator.measure(single, MANY_CONNECTIONS, SECONDS)
    many_to = time.time()
    return Round(alone, many, generator.measure(batch, BATCH_CONNECTIONS, SECONDS), alone_from, alone_to, many_to)
