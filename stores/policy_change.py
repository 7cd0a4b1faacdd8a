"""One number of a policy file changed, with every comment and the layout kept."""

import os
import re
import shutil
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from uuid import uuid4

from lifecycle.errors import Conflict, NotFound, PolicyInvalid
from lifecycle.policy import Policy
from stores.policies import load_policy, read_policy
from stores.policy_source import read_source


@dataclass(frozen=True)
class PolicyChange:
    """A policy file's text before and after, and what each means; `path` is where the file really lies."""

    path: Path
    before: str
    after: str
    policy_before: Policy
    policy_after: Policy

    def diff(self) -> str:
        """Return the change as a unified diff, as people read it."""
        lines = unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            f"{self.path.name} as written",
            f"{self.path.name} as proposed",
            lineterm="",
        )
        return "\n".join(lines)

    def write(self) -> None:
        """Put the changed file in place of the written one, whole or not at all.

        Raises Conflict when the file is no longer what the change was made from.
        """
        if _read(self.path) != self.before:
            raise Conflict(f"{self.path} was changed by somebody else just now; look at the proposal again")
        draft = self.path.with_name(f".{self.path.name}.{uuid4().hex}.tmp")
        try:
            with draft.open("xb") as file:
                file.write(self.after.encode())
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(self.path, draft)
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)


def change_number(folder: Path, model: str, key: str, written: float, proposed: float) -> PolicyChange:
    """Return what a model's policy file becomes when one number is another; nothing is written.

    `key` is a path such as "decision.threshold". Raises NotFound for a key that the file has not, Conflict when it
    holds another number than `written`, and PolicyInvalid when the outcome could not be followed.
    """
    policy = load_policy(folder, model)
    path = (folder / f"{model}.yaml").resolve()
    text = _read(path)
    begin, end = read_source(path, text).scalar_span(_parts(key))
    if float(text[begin:end]) != written:
        raise Conflict(f"{key} in {path} is {text[begin:end]} now, not {written:g}; nothing was changed")
    after = f"{text[:begin]}{proposed:g}{text[end:]}"
    return PolicyChange(path, text, after, policy, _followed(path, after))


def _followed(path: Path, text: str) -> Policy:
    # Read as the gateways will read it: from a file beside it.
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        draft.write_bytes(text.encode())
        return read_policy(draft)
    except PolicyInvalid as error:
        raise PolicyInvalid(str(error).replace(str(draft), str(path))) from error
    finally:
        draft.unlink(missing_ok=True)


def _parts(key: str) -> tuple[int | str, ...]:
    """Return the parts of a spoken key path.

    >>> _parts("rollout.rules[2].when.above")
    ('rollout', 'rules', 2, 'when', 'above')
    """
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key))


def _read(path: Path) -> str:
    # Bytes, so that line ends stay what they are.
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone; nothing was changed") from error
