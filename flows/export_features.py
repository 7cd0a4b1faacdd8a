"""Write a model's examples with their features and labels to a Parquet file, for training anywhere."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from feature_repo.training_set import training_set
from lifecycle.errors import EvidenceMissing, HoldfastError
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.settings import Settings, settings

ABOUT = ["example_id", "event_timestamp", "label_known_at", "label"]


def export_features(
    model: str, config: Settings, engine: Engine, since: datetime | None = None, until: datetime | None = None
) -> pd.DataFrame:
    """Return the examples asked in [since, until) whose label is known by now, with what serving would have computed.

    Columns are `example_id`, `event_timestamp`, `label_known_at`, `label` (0 or 1), and the features of the vector in
    its order (float32), missing ones as their declared defaults. The window is the policy's training window up to now,
    unless given. Raises EvidenceMissing when there is nothing in it, NotFound when a stream was never ingested.
    """
    definition = load_definition(model)
    now = ReplayClock(Progress(engine)).now()
    until = min(until or now, now)
    since = since or until - timedelta(days=load_policy(config.policies, model).training.window_days)
    events = EventStore(config.events)
    stored = {
        stream.name: events.load(model, stream.name, since - definition.lookback, now) for stream in definition.streams
    }
    examples = definition.examples(stored, since, until)
    known = examples.loc[examples["label_known_at"] <= now].reset_index(drop=True)
    if known.empty:
        raise EvidenceMissing(
            f"no labelled examples of {model} from {since.isoformat()} to {until.isoformat()}; name another window, "
            "or ingest and materialize more"
        )
    made = training_set(open_feature_store(definition, config.features, config.online_store), definition, known)
    features = pd.DataFrame(made.assembled.matrix, columns=list(definition.vector))
    return pd.concat([made.examples[ABOUT].reset_index(drop=True), features], axis=1)


def main() -> None:
    """Write the file and say what is in it; an error of ours is one readable line."""
    parser = argparse.ArgumentParser(prog="python -m flows.export_features", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("file", type=Path)
    parser.add_argument("--since", type=_moment)
    parser.add_argument("--until", type=_moment)
    options = parser.parse_args()
    config = settings()
    try:
        frame = export_features(options.model, config, open_ledger(config.ledger_address), options.since, options.until)
    except HoldfastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
    frame.to_parquet(options.file, index=False)
    first, last = frame["event_timestamp"].min(), frame["event_timestamp"].max()
    features = len(frame.columns) - len(ABOUT)
    sys.stdout.write(f"{len(frame)} examples with {features} features, {first} to {last}, in {options.file}\n")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
