"""What the prediction log keeps of a request only as a hash, and what it does not keep at all."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field as Limit

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.misfit import Misfit, Where, repeated
from lifecycle.section import Section

Name = Annotated[str, Limit(min_length=1)]
Keep = Literal["hash", "nothing"]


class HiddenField(Section):
    """A field of the contract whose value the log does not keep as it is, and the reason people gave for it.

    `hash` keeps a keyed hash of a text, so that equal values stay equal; `nothing` keeps null.
    """

    name: Name
    keep: Keep
    because: Name


class DroppedFeature(Section):
    """A feature whose value the log does not keep; a number has no hash that says anything."""

    name: Name
    because: Name


class LogPolicy(Section):
    """Everything that is not named here is kept as it is."""

    fields: tuple[HiddenField, ...]
    dropped_features: tuple[DroppedFeature, ...]


@dataclass(frozen=True)
class Feeds:
    """Which of a model's fields decide what: its example ids, prediction moments and slices."""

    example_ids: frozenset[str]
    moments: frozenset[str]
    slices: frozenset[str]


def log_misfits(
    log: LogPolicy, contract: Contract, vector: Collection[str], unit: Collection[str], feeds: Feeds
) -> Iterator[Misfit]:
    """Yield each place at which hiding a value would break what the log is for, with the reason; none when all is well.

    `unit` names the fields of the rollout's unit.
    """
    known = {field.name: field for field in contract.fields}
    for at, hidden in enumerate(log.fields):
        field = known.get(hidden.name)
        if field is None:
            reason = f"{hidden.name!r} is no field of contract {contract.name}; allowed: {', '.join(known)}"
        else:
            reason = broken_by(field, hidden.keep, unit, feeds)
        if reason:
            yield Misfit(("log", "fields", at, "name"), reason)
    for at, dropped in enumerate(log.dropped_features):
        if dropped.name not in vector:
            reason = f"{dropped.name!r} is no feature of {contract.model}; allowed: {', '.join(vector)}"
            yield Misfit(("log", "dropped_features", at, "name"), reason)
    names: dict[Where, str] = {("log", "fields", at, "name"): hidden.name for at, hidden in enumerate(log.fields)}
    features: dict[Where, str] = {
        ("log", "dropped_features", at, "name"): one.name for at, one in enumerate(log.dropped_features)
    }
    yield from (*repeated(names), *repeated(features))


def hidden_by(log: LogPolicy | None) -> Mapping[str, Keep]:
    """Return what is kept of each hidden field; nothing is hidden without a policy."""
    return {} if log is None else {hidden.name: hidden.keep for hidden in log.fields}


def dropped_by(log: LogPolicy | None) -> tuple[str, ...]:
    """Return the features that are not kept."""
    return () if log is None else tuple(dropped.name for dropped in log.dropped_features)


def broken_by(field: Field, keep: Keep, unit: Collection[str], feeds: Feeds) -> str:
    """Return what would break if no more than that were kept of a field, "" when nothing would."""
    name, dropped = field.name, keep == "nothing"
    reasons = (
        (name in feeds.example_ids, "is part of the example id, by which outcomes find their predictions; keep it"),
        (name in feeds.moments, "decides the moment a prediction is for, by which drift is counted; keep it"),
        (name in feeds.slices, "decides the slices that rules judge by; keep it"),
        (
            not dropped and field.type is not FieldType.STRING,
            f"is of type {field.type}, and only a text can be kept as a hash; allowed: keep: nothing",
        ),
        (dropped and name in unit, "is of the rollout's unit, whose answers are judged together; allowed: keep: hash"),
        (
            dropped and not field.nullable,
            "may not be null by contract, and readers of the log would refuse the row; allowed: keep: hash",
        ),
    )
    return next((f"{name!r} {reason}" for broken, reason in reasons if broken), "")
