"""What a key of a policy may hold, in words: for error messages and for the page about policies."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lifecycle.misfit import Where

UNITS = {
    "_hours": "hours",
    "_days": "days",
    "_minutes": "minutes",
    "_seconds": "seconds",
    "_ms": "milliseconds",
    "_mb": "megabytes (1,000,000 bytes)",
    "_bytes": "bytes",
    "_percent": "percent",
    "_ms_1_row": "milliseconds",
    "_ms_64_rows": "milliseconds",
}
"""A quantity carries its unit at the end of its name."""
LIMITS = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))


def allowed_for(name: str, field: FieldInfo) -> str:
    """Say what a key may hold: kind, limits, unit, every word of a choice.

    >>> from lifecycle.rollout_policy import CanaryPolicy
    >>> allowed_for("deadline_ms", CanaryPolicy.model_fields["deadline_ms"])
    'a number above 0, in milliseconds'
    """
    unit = max((known for known in UNITS if name.endswith(known)), key=len, default="")
    return _kind(field.annotation, field.metadata) + (f", in {UNITS[unit]}" if unit else "")


def section_at(root: type[BaseModel], where: Where) -> type[BaseModel]:
    """Return the section that a key path leads to; positions in lists are passed over.

    Raises KeyError when the path leads to something else.
    """
    section = root
    for part in where:
        if isinstance(part, str):
            section = section_of(section.model_fields[part].annotation)
    return section


def section_of(annotation: object) -> type[BaseModel]:
    """Return the section within an annotation, such as that of each element of a list; raises KeyError for none."""
    found = next(_sections(annotation), None)
    if found is None:
        raise KeyError(str(annotation))
    return found


def _sections(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def _limits(metadata: Sequence[object]) -> str:
    told = [
        f"{word} {limit:g}"
        for known in metadata
        for attribute, word in LIMITS
        if (limit := getattr(known, attribute, None)) is not None
    ]
    return f" {' and '.join(told)}" if told else ""


def _kind(annotation: object, metadata: Sequence[object]) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    words = ", ".join(_words(annotation))
    if words:
        return words
    if origin is Annotated:
        inner = [known for one in parts[1:] for known in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return _kind(parts[0], inner)
    if origin in (Union, UnionType):
        return " or ".join(_kind(part, metadata) for part in parts if part is not NoneType)
    if origin is tuple:
        return f"a list, each: {_kind(parts[0], ())}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a section of {', '.join(annotation.model_fields)}"
    named = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return named[annotation] + _limits(metadata)  # type: ignore[index]


def _words(annotation: object) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield from annotation
    if get_origin(annotation) is Literal:
        for part in get_args(annotation):
            if get_origin(part) is Literal:
                yield from _words(part)
            else:
                yield str(part)
