"""What is wrong at one place of a policy, and where that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Where: TypeAlias = tuple[int | str, ...]
"""The keys and positions that lead to a place, from the top of a policy or of a section."""


def spoken(where: Sequence[int | str]) -> str:
    """Return a key path as people write it.

    >>> spoken(("rollout", "rules", 2, "when"))
    'rollout.rules[2].when'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")


@dataclass(frozen=True)
class Misfit:
    """A place, and why it cannot stand as it does, with what is allowed."""

    where: Where
    reason: str

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{spoken(self.where) or 'the policy'}: {self.reason}"


class Misplaced(ValueError):
    """What a section finds wrong further down in it: a validator's error that says where."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__("; ".join(map(str, misfits)))
        self.misfits = tuple(misfits)


def repeated(named: Mapping[Where, str]) -> tuple[Misfit, ...]:
    """Return a misfit at each name that stood before, in the order given.

    >>> [str(misfit) for misfit in repeated({("rules", 0, "id"): "a", ("rules", 1, "id"): "a"})]
    ["rules[1].id: 'a' is there already, in rules[0].id; give each its own name"]
    """
    first: dict[str, Where] = {}
    return tuple(
        Misfit(where, f"{name!r} is there already, in {spoken(first[name])}; give each its own name")
        for where, name in named.items()
        if first.setdefault(name, where) != where
    )
