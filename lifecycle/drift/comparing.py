"""A window compared with its baseline, column by column."""

from lifecycle.drift.comparison import Comparison
from lifecycle.drift.numbers import compare_numbers
from lifecycle.drift.texts import compare_texts
from lifecycle.errors import InvalidInput
from lifecycle.profile import Profile


def compare(baseline: Profile, current: Profile, *, days: int) -> tuple[Comparison, ...]:
    """Return the comparison of every feature, category, the score, and the labels when both have them.

    `current` is counted on the bins of `baseline`, over a window of `days` days with rows, 1 or more; see
    `profile_counting.count_rows`. The score's column is called "score", the labels' "label". Raises InvalidInput when
    the two do not fit together.
    """
    if days < 1:
        raise InvalidInput(f"a window has rows of 1 day or more, not {days}; give the days that its rows are of")
    absent = sorted(baseline.features.keys() ^ current.features.keys())
    absent += sorted(baseline.categories.keys() ^ current.categories.keys())
    if absent:
        raise InvalidInput(f"only one of window and baseline has {', '.join(absent)}; count the window on the baseline")
    features = (
        compare_numbers(name, "feature", own, current.features[name], days=days, baseline_days=baseline.days)
        for name, own in baseline.features.items()
    )
    categories = (
        compare_texts(name, "category", own, current.categories[name], days=days, baseline_days=baseline.days)
        for name, own in baseline.categories.items()
    )
    scores = compare_numbers(
        "score", "score", baseline.score, current.score, days=days, baseline_days=baseline.score_days
    )
    labels = (
        (compare_texts("label", "label", baseline.labels, current.labels, days=days, baseline_days=baseline.days),)
        if baseline.labels and current.labels
        else ()
    )
    return (*features, *categories, scores, *labels)
