"""The text of a policy file: plain YAML in, its values and the line of every key out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic_core import from_json, to_json

from lifecycle.errors import NotFound, PolicyInvalid
from lifecycle.misfit import spoken

KeyPath: TypeAlias = Sequence[int | str]
MERGE_TAG = "tag:yaml.org,2002:merge"


REREAD = {
    "tag:yaml.org,2002:bool": (re.compile("^(?:true|True|false|False)$"), "tTfF"),
    "tag:yaml.org,2002:int": (re.compile("^[-+]?(?:0|[1-9][0-9_]*)$"), "-+0123456789"),
    "tag:yaml.org,2002:float": (
        re.compile(
            r"^(?:[-+]?(?:0|[1-9][0-9_]*)(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)|[-+]?\.(?:inf|nan))$"
        ),
        "-+.0123456789",
    ),
}
"""Numbers and truth as a person reads them. YAML 1.1 takes 1:30 for 90, 010 for 8, and NO, Norway's code, for false."""


def _plain_resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    dropped = {*REREAD, "tag:yaml.org,2002:timestamp"}
    resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag not in dropped]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for tag, (pattern, firsts) in REREAD.items():
        for first in firsts:
            resolvers.setdefault(first, []).append((tag, pattern))
    return resolvers


class _PlainLoader(yaml.SafeLoader):
    """Reads plain numbers, true, false and text, and no references: a policy holds nothing else."""

    yaml_implicit_resolvers = _plain_resolvers()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node; a reference is refused where it stands, as it could refer to itself without end."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=f"*{event.anchor} refers to another place; write its values out, for whoever reads this aloud",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class PolicySource:
    """A file's values as JSON would hold them, and the tree that knows their lines."""

    path: Path
    values: Any
    root: yaml.Node

    def line(self, where: KeyPath) -> int:
        """Return the line (from 1) of the deepest part of a key path that the file has."""
        lines = [line for _, line in _walk(self.root, where)]
        return lines[-1] if lines else self.root.start_mark.line + 1

    def scalar_span(self, where: KeyPath) -> tuple[int, int]:
        """Return where the plain value of a key path begins and ends in the text, in characters; raises NotFound."""
        node = self.root
        for part in where:
            found = [child for key, child in _children(node) if key == part]
            if not found:
                raise NotFound(f"{self.path} has no key {spoken(where)}")
            node = found[0]
        if not isinstance(node, yaml.ScalarNode):
            raise NotFound(f"{spoken(where)} in {self.path} is no plain value")
        return node.start_mark.index, node.end_mark.index

    def known_part(self, where: KeyPath) -> tuple[int | str, ...]:
        """Return the beginning of a key path that the file has."""
        return tuple(part for part, _ in _walk(self.root, where))


def read_source(path: Path, text: str) -> PolicySource:
    """Return what a policy file says; raises PolicyInvalid with the line for anything that is no plain YAML."""
    try:
        loader = _PlainLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise PolicyInvalid(f"{path} is empty; write a policy, as docs/policies.md shows")
        _refuse_odd_keys(path, root, ())
        return PolicySource(path, from_json(to_json(loader.construct_document(root))), root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyInvalid(f"{path} line {line}: {error.problem or error.context}; write valid YAML") from error
    except yaml.YAMLError as error:
        raise PolicyInvalid(f"{path}: {error}; write valid YAML") from error
    except RecursionError as error:
        raise PolicyInvalid(f"{path} nests deeper than a policy can; write valid YAML") from error
    except ValueError as error:
        raise PolicyInvalid(f"{path} holds a value that cannot be read: {error}; write valid YAML") from error


def _refuse_odd_keys(path: Path, node: yaml.Node, where: tuple[int | str, ...]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            _refuse_odd_keys(path, child, (*where, position))
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE_TAG:
                raise PolicyInvalid(
                    f"{path} line {line}: a key of {spoken(where) or 'the policy'} is no word; write a plain key"
                )
            here = (*where, str(key.value))
            if key.value in seen:
                raise PolicyInvalid(
                    f"{path} line {line}: {spoken(here)} is given a second time, first in line {seen[key.value]}; "
                    "keep one of the two"
                )
            seen[key.value] = line
            _refuse_odd_keys(path, child, here)


def _children(node: yaml.Node) -> list[tuple[int | str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        return [(str(key.value), child) for key, child in node.value]
    return list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []


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
