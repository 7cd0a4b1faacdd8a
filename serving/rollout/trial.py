"""A canary under way: each row's unit decides who answers it, and the parts become one answer again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from feature_repo.definition import ModelDefinition
from lifecycle.assignment import Arm, arm_at, position
from serving.answer import MODEL_TIER, Answer, Ask
from serving.batching import MicroBatcher
from serving.contracts import ToCanary
from serving.problem import Refused
from serving.rows import Row, RowCodec
from serving.units import Units


@dataclass(frozen=True)
class Trial:
    """The three arms of a canary, for one revision of the plan; `share` is the canary's, and the control group's.

    `salt` decides with a row's unit who is in which arm. `champion` is the version named where several answered.
    Asks come in the champion's contract; `to_canary` makes them the canary's, None when they are that already.
    """

    salt: str
    share: float
    champion: str
    definition: ModelDefinition
    codec: RowCodec
    units: Units
    arms: dict[Arm, MicroBatcher]
    to_canary: ToCanary | None = None

    async def answer(self, ask: Ask) -> Answer:
        """Return the answer to an ask, whoever gave its rows; raises what any of the arms raises."""
        parts = self._parts(ask)
        if len(parts) == 1:
            ((arm, whole, _),) = parts
            return await self.arms[arm].submit(whole)
        waiting: list[asyncio.Future[Answer]] = []
        try:
            for arm, part, _ in parts:
                waiting.append(self.arms[arm].submit(part))
        except Refused:
            # What waits already must not be answered and logged for a request that is refused.
            for one in waiting:
                one.cancel()
            raise
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        return merged(self.champion, len(ask.rows), [places for _, _, places in parts], _whole(answers))

    def assign(self, rows: Sequence[Row]) -> list[Arm]:
        """Return each row's arm."""
        units = self.units.of(rows, lambda: self._example_ids(rows))
        return [arm_at(position(self.salt, unit), self.share) for unit in units]

    def _parts(self, ask: Ask) -> list[tuple[Arm, Ask, Sequence[int]]]:
        """Return who answers which part of an ask, and the places of its rows among the ask's."""
        assigned = self.assign(ask.rows)
        arms = list(dict.fromkeys(assigned))
        if len(arms) == 1:
            return [(arms[0], self._for(arms[0], ask), range(len(ask.rows)))]
        places = {arm: [row for row, its in enumerate(assigned) if its is arm] for arm in arms}
        return [(arm, self._for(arm, ask.part(its)), its) for arm, its in places.items()]

    def _for(self, arm: Arm, ask: Ask) -> Ask:
        return ask if self.to_canary is None or arm is not Arm.CANARY else self.to_canary(ask)

    def _example_ids(self, rows: Sequence[Row]) -> list[str]:
        ids: list[str] = self.definition.example_ids(self.codec.columns(rows)).tolist()
        return ids


def merged(champion: str, n_rows: int, numbers: Sequence[Sequence[int]], answers: Sequence[Answer]) -> Answer:
    """Return one answer of parts; `numbers` are the places of each part's rows among the `n_rows`."""
    places = {row: (answer, at) for part, answer in zip(numbers, answers, strict=True) for at, row in enumerate(part)}
    rows = [places[row] for row in range(n_rows)]
    versions = [answer.version for answer, _ in rows]
    tiers = [answer.tier if answer.tiers is None else answer.tiers[at] for answer, at in rows]
    contracts = [answer.contract for answer, _ in rows]
    ages = [answer.feature_age_seconds for answer in answers if answer.feature_age_seconds is not None]
    return replace(
        answers[0],
        version=champion if len(set(versions)) > 1 else versions[0],
        prediction_ids=[answer.prediction_ids[at] for answer, at in rows],
        probabilities=[answer.probabilities[at] for answer, at in rows],
        decisions=[answer.decisions[at] for answer, at in rows],
        defaulted=[answer.defaulted[at] for answer, at in rows],
        feature_age_seconds=max(ages, default=None),
        versions=versions if len(set(versions)) > 1 else None,
        tier=MODEL_TIER if len(set(tiers)) > 1 else tiers[0],
        tiers=tiers if len(set(tiers)) > 1 else None,
        contract=contracts[versions.index(champion)] if champion in versions else contracts[0],
        contracts=contracts if len(set(contracts)) > 1 else None,
    )


def _whole(answers: Sequence[Answer | BaseException]) -> list[Answer]:
    given: list[Answer] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        given.append(answer)
    return given
