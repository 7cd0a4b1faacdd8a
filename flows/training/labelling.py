"""Which rows a training uses, under which label, and who says so: the recorded outcome or a person."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_repo.definition import ModelDefinition
from flows.training.said import Said
from flows.training.window import TrainingWindow, split_rows
from lifecycle.watching_policy import RetrainingPolicy

OUTCOME, CAPTURE = "outcome", "capture"
Asked = Callable[[], pd.DataFrame]
"""Returns the requests of the window, with or without an outcome."""


@dataclass(frozen=True)
class Labelled:
    """Examples that are used: each is learned from where `learn` holds, (n_rows,) bool, and else judged on.

    `sources` (n_rows,) says whose label it is: "outcome", or "person", "review" or "capture" for a person's.
    """

    examples: pd.DataFrame
    learn: np.ndarray
    sources: np.ndarray


def label_rows(
    definition: ModelDefinition, outcomes: pd.DataFrame, asked: Asked, window: TrainingWindow, said: Said | None
) -> Labelled:
    """Return the rows of a window: those whose outcome is known in time, and those that a person labelled in time.

    Of an outcome and a person's word the one that became known later stands. In time is, for a learned row, before the
    first judged moment, as `split_rows` has it for outcomes, so that a model learns nothing from the judged days,
    whoever says it. A row that only a person labelled is learned from and never judged on: people look at what is odd,
    and a measure over what they chose would be of no use.
    """
    learn, judge = split_rows(outcomes, window)
    used = outcomes.loc[learn | judge].reset_index(drop=True)
    learned = learn[learn | judge]
    sources = np.full(len(used), OUTCOME, dtype=object)
    if said is None:
        return Labelled(used, learned, sources)
    early, late = (said.by(definition.name, until) for until in (window.split_at, window.matured_at))
    used = used.copy()
    for words, rows in ((early, learned), (late, ~learned)):
        _overrule(used, sources, words, rows)
    alone = early.drop(used["example_id"][learned], errors="ignore")
    added = _only_said(definition, outcomes, asked, window, alone, said=said)
    if added.empty:
        return Labelled(used, learned, sources)
    given = early.loc[added["example_id"]]
    added = added.assign(label=given["label"].to_numpy("int64"), label_known_at=given["known_at"].array)
    both = pd.concat([used, added[list(used.columns)].astype(used.dtypes.to_dict())], ignore_index=True)
    return Labelled(
        both,
        np.concatenate([learned, np.ones(len(added), dtype=bool)]),
        np.concatenate([sources, given["source"].to_numpy(object)]),
    )


def weights_of(sources: np.ndarray, policy: RetrainingPolicy) -> np.ndarray:
    """Return what each row counts, (n_rows,) float32: 1 under its outcome, else what the policy gives a person's word.

    >>> from types import SimpleNamespace
    >>> policy = SimpleNamespace(person_weight=3, captured_weight=2)
    >>> weights_of(np.array(["outcome", "person", "review", "capture"], dtype=object), policy).tolist()
    [1.0, 3.0, 3.0, 2.0]
    """
    said = np.where(sources == CAPTURE, policy.captured_weight, policy.person_weight)
    return np.where(sources == OUTCOME, 1.0, said).astype(np.float32)


def _overrule(used: pd.DataFrame, sources: np.ndarray, words: pd.DataFrame, rows: np.ndarray) -> None:
    """Put people's words in the place of outcomes that were known before them, in some of the rows."""
    told = words.reindex(used["example_id"])
    # A row that nobody spoke of compares as false.
    later = rows & (told["known_at"].reset_index(drop=True) >= used["label_known_at"]).to_numpy()
    if later.any():
        used.loc[later, "label"] = told["label"].to_numpy()[later].astype("int64")
        used.loc[later, "label_known_at"] = told["known_at"].array[later]
        sources[later] = told["source"].to_numpy(object)[later]


def _only_said(
    definition: ModelDefinition,
    outcomes: pd.DataFrame,
    asked: Asked,
    window: TrainingWindow,
    words: pd.DataFrame,
    *,
    said: Said,
) -> pd.DataFrame:
    """Return the requests from the learned days of the examples in `words`, which no outcome in time has labelled."""
    if words.empty:
        return outcomes.iloc[:0]
    recorded = asked()
    recorded = recorded.loc[recorded["example_id"].isin(words.index)]
    unknown = words.index.difference(pd.Index(recorded["example_id"]))
    served = said.served(definition, unknown.tolist(), window.start_at, window.split_at)
    names = ["example_id", "event_timestamp", *(field.name for field in definition.contract.fields)]
    found = [frame[names] for frame in (recorded, served) if not frame.empty]
    if not found:
        return outcomes.iloc[:0]
    rows = pd.concat([frame.astype(found[0].dtypes.to_dict()) for frame in found], ignore_index=True)
    rows = rows.drop_duplicates("example_id", keep="last")
    moment = rows["event_timestamp"]
    return rows.loc[(moment >= window.start_at) & (moment < window.split_at)].reset_index(drop=True)
