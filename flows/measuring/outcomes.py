"""What became of examples, by events and by people: the latest known word stands."""

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from feature_repo.definition import ModelDefinition
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels

OUTCOME = "outcome"
"""The source of a label that an event brought."""
MOST_STEPS = 10
"""An event that was corrected more often is told by its first versions and its last."""
HEARD = ["example_id", "label", "label_known_at"]
COLUMNS = (*HEARD, "first_known_at", "source", "revisions", "corrected")


def known_labels(
    definition: ModelDefinition,
    events: EventStore,
    people: PeoplesLabels,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
) -> pd.DataFrame:
    """Return the label that stands of every example known to have turned out somehow, one row per example.

    Of examples with a prediction moment in [start, end) it is what events said before `now`; what people said by `now`
    is there whatever the moment, also of examples that no event tells of. Of both, the later word stands, and
    a person's where they came at once. Columns: `example_id`; `label` (int64, 0 or 1); `label_known_at`, when the word
    that stands was said, and `first_known_at`, when the first was (datetime64[us, UTC]); `source`, "outcome" or
    a person's; `revisions` (int64), how many words there were; `corrected` (bool), whether one said otherwise.

    Raises NotFound when a stream of the model was never stored.
    """
    told = _told_by_events(definition, events, start, end, now)
    said = people.newest(definition.name, now)
    if said.empty:
        return told
    words = pd.DataFrame(
        {
            "example_id": said["example_id"],
            "label": said["label"],
            "label_known_at": said["known_at"],
            "first_known_at": said["first_known_at"],
            "source": said["source"],
            "revisions": said["revision"],
            "corrected": said["changed"],
        }
    )
    # Stable, and people come second: of two words of one moment theirs is the later.
    both = (pd.concat([told, words]) if len(told) else words).sort_values("label_known_at", kind="stable")
    of_each = both.groupby("example_id")
    both["first_known_at"] = of_each["first_known_at"].transform("min")
    both["revisions"] = of_each["revisions"].transform("sum")
    both["corrected"] = of_each["corrected"].transform("any") | (of_each["label"].transform("nunique") > 1)
    return both.drop_duplicates("example_id", keep="last", ignore_index=True)


def _told_by_events(
    definition: ModelDefinition, events: EventStore, start: datetime, end: datetime, now: datetime
) -> pd.DataFrame:
    """Return the labels of events, heard once for each version that an event had."""
    first = start - definition.lookback
    stored = {stream.name: events.versions(definition.name, stream.name, first, now) for stream in definition.streams}
    keys = {stream.name: list(stream.key) for stream in definition.streams}
    versions = {name: frame.groupby(keys[name], sort=False).cumcount() for name, frame in stored.items()}
    deepest = max((int(of_key.max()) for of_key in versions.values() if len(of_key)), default=0)
    steps = range(deepest + 1) if deepest < MOST_STEPS else [*range(MOST_STEPS - 1), deepest]
    heard = []
    for step in steps:
        as_known = {
            name: frame[versions[name] <= step].drop_duplicates(keys[name], keep="last", ignore_index=True)
            for name, frame in stored.items()
        }
        heard.append(definition.examples(as_known, start, end)[HEARD])
    return _standing(heard, _retracted(definition, as_known, heard, start, end))


def _retracted(
    definition: ModelDefinition,
    as_known: Mapping[str, pd.DataFrame],
    heard: list[pd.DataFrame],
    start: datetime,
    end: datetime,
) -> set[str]:
    """Return the examples that had a label, and by their newest events have none.

    One that is no longer asked by those events is not among them: a question that was announced anew after its moment
    was answered all the same, and what became of it stays known.
    """
    if len(heard) == 1:
        return set()
    gone = {example for frame in heard[:-1] for example in frame["example_id"]} - set(heard[-1]["example_id"])
    return gone & set(definition.requests(as_known, start, end)["example_id"]) if gone else set()


def _standing(heard: list[pd.DataFrame], retracted: set[str]) -> pd.DataFrame:
    words = pd.concat(heard).drop_duplicates() if len(heard) > 1 else heard[0].copy()
    words = words[~words["example_id"].isin(retracted)] if retracted else words
    of_each = words.groupby("example_id", sort=False)
    words = words.assign(
        first_known_at=of_each["label_known_at"].transform("min"),
        source=OUTCOME,
        revisions=of_each["label_known_at"].transform("nunique").astype("int64"),
        corrected=of_each["label"].transform("nunique") > 1,
    )
    return words.drop_duplicates("example_id", keep="last", ignore_index=True)
