"""How often outcomes were positive lately, as counts to hold against those a version learned from."""

from dataclasses import dataclass
from datetime import datetime

from feature_repo.definition import ModelDefinition
from lifecycle.errors import NotFound
from lifecycle.profile import CategoryProfile
from stores.events import EventStore


@dataclass(frozen=True)
class Outcomes:
    """Known outcomes by label, "0" and "1", of the examples of so many days."""

    counts: CategoryProfile
    days: int


def count_outcomes(
    definition: ModelDefinition, events: EventStore, since: datetime, until: datetime, now: datetime
) -> Outcomes | None:
    """Return the outcomes known by `now` of the examples asked for in [since, until), None without any.

    `until` should leave outcomes the time to come: bad ones often come late, and a window that ends now would look
    better than it is.
    """
    try:
        stored = {
            stream.name: events.load(definition.name, stream.name, since - definition.lookback, now)
            for stream in definition.streams
        }
    except NotFound:
        return None
    examples = definition.examples(stored, since, until)
    if examples.empty:
        return None
    positives = int(examples["label"].sum())
    counts = {"0": len(examples) - positives, "1": positives}
    days = int(examples["event_timestamp"].dt.floor("D").nunique())
    return Outcomes(CategoryProfile(counts=counts, other=0, missing=0), days)
