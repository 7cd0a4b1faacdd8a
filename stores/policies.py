"""Policy files: YAML in, a frozen Policy out, and errors that point at the line to change."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from lifecycle.errors import NotFound, PolicyInvalid
from lifecycle.policy import Policy

KeyPath: TypeAlias = Sequence[int | str]


class _PlainLoader(yaml.SafeLoader):
    """Reads dates as the text they are: a policy holds text, numbers and lists, nothing else."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own attribute, replaced and never changed
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load_policy(folder: Path, model: str) -> Policy:
    """Return the policy of a model from `<folder>/<model>.yaml`.

    Raises NotFound when there is no such file, and PolicyInvalid listing every problem as
    file, line, key path, what was given and what is allowed.
    """
    path = folder / f"{model}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        there = ", ".join(policy_models(folder)) or "none"
        raise NotFound(f"no policy {path}; policies there: {there}. Add the file, or name one of these.") from error
    except UnicodeDecodeError as error:
        raise PolicyInvalid(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    root, values = _read(path, text)
    try:
        # Through JSON, because only there does strict validation take a list for a tuple.
        policy = Policy.model_validate_json(to_json(values), strict=True)
    except ValidationError as error:
        problems = [_explain(path, root, details) for details in error.errors()]
        raise PolicyInvalid("\n".join(problems)) from error
    if policy.model != model:
        line = _line(root, ("model",))
        raise PolicyInvalid(f"{path} line {line}: model is {policy.model!r}; allowed: {model!r}, as the file is named")
    return policy


def policy_models(folder: Path) -> tuple[str, ...]:
    """Return the names of all models that have a policy file, sorted.

    Raises NotFound when the folder is not there.
    """
    if not folder.is_dir():
        raise NotFound(f"no policy folder {folder}; set HOLDFAST_POLICIES to the folder of the policy files")
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _read(path: Path, text: str) -> tuple[yaml.Node, Any]:
    try:
        loader = _PlainLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise PolicyInvalid(f"{path} is empty; a policy needs {', '.join(Policy.model_fields)}")
        _refuse_repeated_keys(path, root, ())
        return root, from_json(to_json(loader.construct_document(root)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyInvalid(f"{path} line {line}: {error.problem or error.context}; write valid YAML") from error
    except yaml.YAMLError as error:
        raise PolicyInvalid(f"{path}: {error}; write valid YAML") from error


def _refuse_repeated_keys(path: Path, node: yaml.Node, where: tuple[int | str, ...]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            _refuse_repeated_keys(path, child, (*where, position))
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            name = str(key.value)
            here = (*where, name)
            if name in seen:
                raise PolicyInvalid(
                    f"{path} line {line}: {_spoken(here)} is given a second time, first in line {seen[name]}; "
                    "keep one of the two"
                )
            seen[name] = line
            _refuse_repeated_keys(path, child, here)


def _explain(path: Path, root: yaml.Node, details: ErrorDetails) -> str:
    where = details["loc"]
    name = _spoken([part for part, _ in _walk(root, where)] if details["type"] != "missing" else where)
    start = f"{path} line {_line(root, where)}: {name or 'the policy'}"
    match details["type"]:
        case "extra_forbidden":
            known = _known_keys(where[:-1])
            close = get_close_matches(str(where[-1]), known, n=1)
            meant = f"did you mean {close[0]}? " if close else ""
            return f"{start} is not a known key; {meant}Allowed here: {', '.join(known)}"
        case "missing":
            return f"{start} is missing; add it"
        case "value_error":
            return f"{start}: {details['msg'].removeprefix('Value error, ')}"
    allowed = details["msg"].removeprefix("Input should be ")
    return f"{start} is {details['input']!r}; allowed: {allowed}"


def _line(root: yaml.Node, where: KeyPath) -> int:
    """Return the line (from 1) of the deepest part of a key path that the file has."""
    lines = [line for _, line in _walk(root, where)]
    return lines[-1] if lines else root.start_mark.line + 1


def _walk(node: yaml.Node, where: KeyPath) -> Iterator[tuple[int | str, int]]:
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = [(key, child) for key, child in node.value if key.value == str(part)]
            if not found:
                return
            key, node = found[0]
            yield part, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            yield part, node.start_mark.line + 1


def _spoken(where: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")


def _known_keys(where: KeyPath) -> list[str]:
    section: type[BaseModel] = Policy
    for part in where:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = next(kind for kind in (annotation, *get_args(annotation)) if _is_section(kind))
    return list(section.model_fields)


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
