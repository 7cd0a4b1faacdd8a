"""What a model is made of: its streams, feature views, derived features and input contract.

A model is a package `feature_repo/<model>/` that exposes `DEFINITION`, a suite module
`expectations/<model>.py` and a policy `policies/<model>.yaml`. Nothing else names it.
"""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from lifecycle.contract import Contract
from lifecycle.errors import NotFound
from lifecycle.projection import Projection

Columns: TypeAlias = Mapping[str, np.ndarray]
"""Equally long 1-d arrays by name: (n_rows,) each.

Contract fields arrive as: string -> object array of str or None; integer -> int64; number -> float64;
boolean -> bool; timestamp -> float64 epoch seconds. A null number or timestamp is NaN; the contract
refuses a null integer or boolean.
"""
Events: TypeAlias = Mapping[str, pd.DataFrame]
"""Stored events by stream name; each frame has UTC `known_at`."""


@dataclass(frozen=True)
class Feature:
    """One feature: what it says, and what stands in for it when it is missing or stale."""

    name: str
    description: str
    default: float


@dataclass(frozen=True)
class Stream:
    """One kind of raw event.

    `read(start, end)` returns the events that became known in [start, end), with the UTC column
    `known_at`. `key` names the columns that identify an event; of two events with one key, the
    one with the later `known_at` stands.
    """

    name: str
    key: tuple[str, ...]
    read: Callable[[datetime, datetime], pd.DataFrame]


FACTS_STAND = timedelta(days=365)
"""A view that may be this old holds facts, such as the year a plane was built, not observations."""


@dataclass(frozen=True)
class View:
    """One feature view: rows of features per entity, each true from its `event_timestamp` on.

    `build(events, start, end)` returns every row with event_timestamp in (start, end], made only of
    events known before then: columns `entity`, `event_timestamp` (UTC) and the features (float64).
    It needs the events known in [start - lookback, end). It serves the historical build and the online push.
    """

    name: str
    entity: str
    owner: str
    description: str
    features: tuple[Feature, ...]
    freshness_limit: timedelta
    lookback: timedelta
    streams: tuple[str, ...]
    build: Callable[[Events, datetime, datetime], pd.DataFrame]

    @property
    def ages(self) -> bool:
        """Whether its rows say less the older they are."""
        return self.freshness_limit < FACTS_STAND


@dataclass(frozen=True)
class Older:
    """The definition of an earlier contract that clients still speak, and its requests' way to today's contract.

    Versions of either contract can be served at once, each by its own definition. See `feature_repo/editions.py` for
    what the two must have in common.
    """

    definition: "ModelDefinition"
    projection: Projection


@dataclass(frozen=True)
class ModelDefinition:
    """Everything the engine knows about one model.

    `prediction_moments(request)` gives the UTC moment each row is asked for, in epoch seconds (float64):
    a looked-up row older than its view's freshness limit at that moment, or stamped after it, counts as missing.
    `example_ids(request)` gives the text that joins a prediction to its label later.
    `entity_keys(request)` gives each entity's join key per row, from contract fields alone.
    `derive(request, looked_up)` gives the derived features; `looked_up` holds the views' features.
    `requests(events, start, end)` gives what is asked with a prediction moment in [start, end), in order
    of moment, from what is known by then: `example_id`, `event_timestamp` (the moment, UTC), the contract's fields.
    `examples(events, start, end)` gives those of the requests that have a label, for learning and for
    measuring: their columns, `label` (0 or 1) and `label_known_at` (UTC).
    Both need the events known from `start - lookback` on.
    `slices(request)` gives the values to report by.
    `source_range` is the span of time the source has events for.
    `older` are the definitions of earlier contracts that are still spoken, the newest first.
    """

    name: str
    contract: Contract
    entities: Mapping[str, str]
    streams: tuple[Stream, ...]
    views: tuple[View, ...]
    derived: tuple[Feature, ...]
    vector: tuple[str, ...]
    prediction_moments: Callable[[Columns], np.ndarray]
    example_ids: Callable[[Columns], np.ndarray]
    entity_keys: Callable[[Columns], Columns]
    derive: Callable[[Columns, Columns], Columns]
    lookback: timedelta
    requests: Callable[[Events, datetime, datetime], pd.DataFrame]
    examples: Callable[[Events, datetime, datetime], pd.DataFrame]
    slices: Callable[[Columns], Columns]
    rule_feature: str
    source_range: tuple[datetime, datetime]
    older: tuple[Older, ...] = ()

    @cached_property
    def defaults(self) -> np.ndarray:
        """The declared default of each feature of the vector, (n_features,) float64."""
        features = (*(feature for view in self.views for feature in view.features), *self.derived)
        declared = {feature.name: feature.default for feature in features}
        return np.array([declared[name] for name in self.vector], dtype=np.float64)

    def view_of(self, feature: str) -> View | None:
        """Return the view a feature is looked up in, or None when it is derived."""
        for view in self.views:
            if any(known.name == feature for known in view.features):
                return view
        return None


def load_definition(model: str) -> ModelDefinition:
    """Return a model's definition from `feature_repo/<model>/`.

    Raises NotFound naming the package that should be there, InvalidInput when its older contracts do not go with it.
    """
    from feature_repo.editions import require_editions  # noqa: PLC0415 - which speaks of definitions itself

    package = f"feature_repo.{model}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", model):
        raise NotFound(f"{model!r} is no model name; use lower-case letters, digits and _")
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise NotFound(f"no model {model!r}: feature_repo/{model}/ is missing") from error
    definition: ModelDefinition = module.DEFINITION
    if definition.older:
        require_editions(definition)
    return definition
