"""Made-up rows of the kinds that are hard to compare: mostly zero, skewed, whole numbers, many names, gaps."""

from dataclasses import dataclass, replace

import numpy as np

from lifecycle.profile import Profile
from lifecycle.profile_counting import count_rows, count_texts
from lifecycle.profile_drawing import profile_labels, profile_numbers, profile_texts

NUMBERS = (
    "normal",
    "normal_with_gaps",
    "skewed",
    "skewed_mostly_missing",
    "tenth_not_zero",
    "fiftieth_not_zero",
    "hour",
    "count",
    "uniform",
    "heavy_tails",
)
NAMES = ("place", "carrier", "destination", "tail_number")
GAPS = np.array([0.0, 0.02, 0.0, 0.6, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0])
SHARES = {
    "place": np.array([0.45, 0.33, 0.22]),
    "carrier": 1.0 / np.arange(1, 17) ** 1.3,
    "destination": 1.0 / np.arange(1, 101),
    "tail_number": 1.0 / (50.0 + np.arange(4000)),
}
LATE = 0.22


@dataclass(frozen=True)
class MadeUp:
    """Rows: `matrix` (n, 10) float32 with `defaulted`, `texts` by name, `scores` (n,), `labels` (n,), `days` (n,)."""

    matrix: np.ndarray
    defaulted: np.ndarray
    texts: dict[str, list[str | None]]
    scores: np.ndarray
    labels: np.ndarray
    days: np.ndarray


def draw(rng: np.random.Generator, rows: int, days: int, alike: float = 0.0) -> MadeUp:
    """Return rows of one world, spread over days; `alike` is the share of a day's weather in what varies.

    With it, the rows of one day have a normal shift in common, with which values, scores and gaps go; 0 makes every row
    independent.
    """
    day = rng.integers(0, days, rows)
    shift = rng.normal(size=days)[day]

    def normal() -> np.ndarray:
        mixed: np.ndarray = np.sqrt(alike) * shift + np.sqrt(1.0 - alike) * rng.normal(size=rows)
        return mixed

    rare = normal()
    matrix = np.column_stack(
        [
            normal(),
            normal() * 5.0 + 20.0,
            np.exp(normal()),
            np.exp(1.5 * normal()),
            np.maximum(rare - 1.2816, 0.0),
            np.maximum(normal() - 2.0537, 0.0),
            np.floor(rng.beta(2.0, 2.0, rows) * 24.0),
            rng.poisson(1.5, rows),
            rng.random(rows),
            rng.standard_t(3, rows),
        ]
    ).astype(np.float32)
    wet = np.argsort(np.argsort(normal() + 1e-9 * rng.random(rows))) / rows if alike > 0.0 else rng.random(rows)
    gaps = rng.random((rows, len(NUMBERS)))
    gaps[:, 7] = wet
    scores = 1.0 / (1.0 + np.exp(1.5 - normal()))
    return MadeUp(
        matrix=matrix,
        defaulted=gaps < GAPS,
        texts={name: _names(rng, name, rows) for name in NAMES},
        scores=scores,
        labels=(rng.random(rows) < LATE).astype(np.int64),
        days=day,
    )


def _names(rng: np.random.Generator, name: str, rows: int) -> list[str | None]:
    shares = SHARES[name] / SHARES[name].sum()
    known = np.array([f"{name[:3]}{number:04}" for number in range(shares.size)], dtype=object)
    drawn: list[str | None] = known[rng.choice(shares.size, rows, p=shares)].tolist()
    return drawn


def as_baseline(made: MadeUp) -> Profile:
    """Return the baseline that a version trained on these rows would bring."""
    return Profile(
        rows=len(made.days),
        features={
            name: profile_numbers(made.matrix[:, column], made.defaulted[:, column], made.days)
            for column, name in enumerate(NUMBERS)
        },
        categories={name: profile_texts(values, made.days) for name, values in made.texts.items()},
        score_rows=len(made.scores),
        score=profile_numbers(made.scores, np.zeros(len(made.scores), dtype=bool), made.days),
        days=len(np.unique(made.days)),
        score_days=len(np.unique(made.days)),
        labels=profile_labels(made.labels, made.days),
    )


def as_window(baseline: Profile, made: MadeUp) -> Profile:
    """Return the rows as a gateway and late outcomes would have counted them."""
    counted = count_rows(
        baseline,
        matrix=made.matrix,
        defaulted=made.defaulted,
        vector=NUMBERS,
        texts=made.texts,
        scores=made.scores,
    )
    known = baseline.labels
    labels = None if known is None else count_texts(known, [str(label) for label in made.labels.tolist()])
    return counted.model_copy(update={"labels": labels})


def shifted(made: MadeUp) -> MadeUp:
    """Return the rows with the first number moved up by a quarter of its standard deviation."""
    matrix = made.matrix.copy()
    matrix[:, 0] += 0.25
    return replace(made, matrix=matrix)


def swapped(made: MadeUp) -> MadeUp:
    """Return the rows with the names of the two commonest places exchanged: 45% and 33% of the rows."""
    other = {"pla0000": "pla0001", "pla0001": "pla0000"}
    places: list[str | None] = [other.get(value or "", value) for value in made.texts["place"]]
    return replace(made, texts={**made.texts, "place": places})


def with_more_gaps(rng: np.random.Generator, made: MadeUp) -> MadeUp:
    """Return the rows with three more of a hundred values missing, of a number that misses two."""
    defaulted = made.defaulted.copy()
    defaulted[:, 1] |= rng.random(len(made.days)) < 0.03 / 0.98
    return replace(made, defaulted=defaulted)
