"""Policy files: YAML in, a frozen Policy out, and errors that point at the line to change."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from lifecycle.allowed import allowed_for, section_at
from lifecycle.errors import NotFound, PolicyInvalid
from lifecycle.misfit import Misfit, Misplaced, spoken
from lifecycle.policy import Policy
from stores.policy_source import PolicySource, read_source

SHOWN_CHARACTERS = 60
"""As much of a wrong value as helps to find it."""


def load_policy(folder: Path, model: str) -> Policy:
    """Return the policy of a model from `<folder>/<model>.yaml`.

    Raises NotFound when there is no such file, and PolicyInvalid as `read_policy` does.
    """
    path = folder / f"{model}.yaml"
    if not path.is_file():
        there = ", ".join(policy_models(folder)) or "none"
        raise NotFound(f"no policy {path}; policies there: {there}. Add the file, or name one of these.")
    source, policy = _read(path)
    if policy.model != model:
        line = source.line(("model",))
        raise PolicyInvalid(f"{path} line {line}: model is {policy.model!r}; allowed: {model!r}, as the file is named")
    return policy


def read_policy(path: Path) -> Policy:
    """Return the policy in any file.

    Raises NotFound when it cannot be opened, and PolicyInvalid listing every problem as file, line, key path, what
    was given and what is allowed.
    """
    return _read(path)[1]


def policy_models(folder: Path) -> tuple[str, ...]:
    """Return the names of all models that have a policy file, sorted.

    Raises NotFound when the folder is not there.
    """
    if not folder.is_dir():
        raise NotFound(f"no policy folder {folder}; set HOLDFAST_POLICIES to the folder of the policy files")
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _read(path: Path) -> tuple[PolicySource, Policy]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"no policy can be read from {path}: {error.strerror}. Name a policy file.") from error
    except UnicodeDecodeError as error:
        raise PolicyInvalid(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    source = read_source(path, text)
    try:
        # Through JSON, because only there does strict validation take a list for a tuple.
        return source, Policy.model_validate_json(to_json(source.values), strict=True)
    except ValidationError as error:
        problems = sorted((told for each in error.errors() for told in _told(source, each)), key=lambda told: told[0])
        raise PolicyInvalid("\n".join(text for _, text in problems)) from error


def lines_of(path: Path, misfits: Sequence[Misfit]) -> tuple[str, ...]:
    """Return what does not fit as lines about a policy file, in its order: file, line, key path and reason."""
    source, _ = _read(path)
    return tuple(text for _, text in sorted(_located(source, misfit) for misfit in misfits))


def _told(source: PolicySource, details: ErrorDetails) -> Iterator[tuple[int, str]]:
    """Yield the line of each problem that the library found at one place, and the sentence about it."""
    error = details.get("ctx", {}).get("error")
    if isinstance(error, Misplaced):
        for misfit in error.misfits:
            yield _located(source, Misfit((*details["loc"], *misfit.where), misfit.reason))
    else:
        yield _told_one(source, details)


def _located(source: PolicySource, misfit: Misfit) -> tuple[int, str]:
    line = source.line(misfit.where)
    return line, f"{source.path} line {line}: {misfit}"


def _told_one(source: PolicySource, details: ErrorDetails) -> tuple[int, str]:
    """Return a problem's line and the sentence about it."""
    where, kind = details["loc"], details["type"]
    line = source.line(where)
    name = spoken(where if kind == "missing" else source.known_part(where)) or "the policy"
    start = f"{source.path} line {line}: {name}"
    if kind == "value_error":
        return line, f"{start}: {details['msg'].removeprefix('Value error, ')}"
    if kind == "extra_forbidden":
        known = list(section_at(Policy, where[:-1]).model_fields)
        close = get_close_matches(str(where[-1]), known, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        return line, f"{start} is not a known key; {meant}Allowed here: {', '.join(known)}"
    allowed = _allowed(where, details["msg"].removeprefix("Input should be "))
    if kind == "missing":
        return line, f"{start} is missing; add it. Allowed: {allowed}"
    given = repr(details["input"])
    shown = given if len(given) <= SHOWN_CHARACTERS else f"{given[:SHOWN_CHARACTERS]}…"
    quotes = ", in quotes when it looks like a number" if kind == "string_type" else ""
    return line, f"{start} is {shown}; allowed: {allowed}{quotes}"


def _allowed(where: tuple[int | str, ...], otherwise: str) -> str:
    """Return what a key may hold; the library's words for one element of a list, or for the policy as a whole."""
    if not where:
        return f"a mapping of {', '.join(Policy.model_fields)}"
    if not isinstance(where[-1], str):
        return otherwise
    return allowed_for(where[-1], section_at(Policy, where[:-1]).model_fields[where[-1]])
