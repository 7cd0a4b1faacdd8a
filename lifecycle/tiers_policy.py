"""Who answers when a model's champion cannot, how long each may take, and when one is not asked any more."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.section import Fraction, Positive, PositiveNumber, Section

FallbackName = Literal["previous", "small", "rule"]


class FallbackTier(Section):
    """One stand-in and how long it may take, in milliseconds."""

    tier: FallbackName
    deadline_ms: PositiveNumber


class StaticAnswer(Section):
    """The score of an answer that needs nothing at all, and the reason people gave for it."""

    score: Fraction
    because: Annotated[str, Limit(min_length=1)]


class BreakerPolicy(Section):
    """After so many failures in a row a tier is not asked for `cool_down_seconds`; then one batch tries it."""

    failures: Positive
    cool_down_seconds: PositiveNumber


class TiersPolicy(Section):
    """The champion's deadline, and who answers after it, in order; all within `deadline_ms` of the request.

    Last comes `static`, which cannot fail.
    """

    deadline_ms: PositiveNumber
    champion_ms: PositiveNumber
    fallback: tuple[FallbackTier, ...]
    static: StaticAnswer
    breaker: BreakerPolicy

    @model_validator(mode="after")
    def _fits_into_the_deadline(self) -> Self:
        names = [one.tier for one in self.fallback]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each tier may stand once; twice: {', '.join(twice)}")
        together = self.champion_ms + sum(one.deadline_ms for one in self.fallback)
        if together > self.deadline_ms:
            raise ValueError(
                f"champion_ms and the tiers' deadline_ms are {together:g} ms together; deadline_ms allows "
                f"{self.deadline_ms:g}"
            )
        return self

    def sentences(self) -> Iterator[str]:
        """Yield the rules in words."""
        names = ", then ".join(f"{_WORDS[one.tier]} ({one.deadline_ms:g} ms)" for one in self.fallback)
        stand_ins = f"{names}, and at last" if names else ""
        yield (
            f"Every request that is let in is answered within {self.deadline_ms:g} ms. "
            f"The champion has {self.champion_ms:g} ms; when it fails or is late, {stand_ins} "
            f"the fixed score {self.static.score:g} answers: {self.static.because}"
        )
        yield (
            f"Who fails {self.breaker.failures} times in a row is not asked for "
            f"{self.breaker.cool_down_seconds:g} seconds, and then tried with one batch."
        )


_WORDS = {"previous": "the previous champion", "small": "the champion's small model", "rule": "the rule"}
