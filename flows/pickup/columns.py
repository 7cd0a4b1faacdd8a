"""Which columns a version takes, by its signature, held against the features that serving can give it."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from lifecycle.errors import ArtifactInvalid

NUMERIC = frozenset({"double", "float", "long", "integer"})
HOW = "Log it with signature=infer_signature(X, scores), where X is the frame of features it was trained on."


def inputs_of(document: Mapping[str, Any], vector: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns a version takes, in its order, or None when they are the whole vector as it is.

    Raises ArtifactInvalid naming every column that is unknown, doubled or no number.
    """
    columns = _columns(document)
    names = [column.get("name") for column in columns]
    if not any(names):
        _require_whole_vector(columns, vector)
        return None
    _require_known(names, vector)
    for column in columns:
        _require_number(column)
    return None if tuple(names) == tuple(vector) else tuple(names)  # type: ignore[arg-type]


def _columns(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    signature = document.get("signature")
    told = signature.get("inputs") if isinstance(signature, dict) else None
    if not isinstance(told, str):
        raise ArtifactInvalid(f"It has no signature, so nobody knows which columns it takes. {HOW}")
    try:
        columns = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise ArtifactInvalid(f"Its signature is no JSON. {HOW}") from error
    if not isinstance(columns, list) or not columns or not all(isinstance(column, dict) for column in columns):
        raise ArtifactInvalid(f"Its signature names no columns. {HOW}")
    return columns


def _require_whole_vector(columns: list[dict[str, Any]], vector: Sequence[str]) -> None:
    spec = columns[0].get("tensor-spec")
    shape = spec.get("shape") if isinstance(spec, dict) else None
    if len(columns) != 1 or shape != [-1, len(vector)]:
        raise ArtifactInvalid(
            f"Its signature names no columns and is of shape {shape}; without names, only [-1, {len(vector)}] is "
            f"allowed, all features in the order {', '.join(vector)}. {HOW}"
        )


def _require_known(names: Sequence[object], vector: Sequence[str]) -> None:
    doubled = sorted({str(name) for name in names if names.count(name) > 1})
    if doubled:
        raise ArtifactInvalid(f"Its signature names {', '.join(doubled)} more than once; name each column once.")
    unknown = [str(name) for name in names if name not in vector]
    if unknown:
        told = ", ".join(_with_matches(name, vector) for name in unknown)
        raise ArtifactInvalid(
            f"Its signature names columns that are no features here: {told}. Allowed, any of them in any order: "
            f"{', '.join(vector)}. Train on these."
        )


def _with_matches(name: str, vector: Sequence[str]) -> str:
    close = get_close_matches(name, vector, n=2, cutoff=0.6)
    return f"{name!r} (did you mean {' or '.join(close)}?)" if close else repr(name)


def _require_number(column: Mapping[str, Any]) -> None:
    kind = column.get("type")
    if kind == "tensor":
        spec = column.get("tensor-spec")
        kind = spec.get("dtype") if isinstance(spec, dict) else None
        if isinstance(kind, str) and kind.startswith(("float", "int")):
            return
    if kind not in NUMERIC:
        raise ArtifactInvalid(
            f"Its signature says that {column.get('name')} is {kind!r}; allowed: {', '.join(sorted(NUMERIC))}. "
            "Every feature is a number."
        )
