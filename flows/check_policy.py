"""Check a policy file against its model: fields, units and slices that the definition does not have.

`python -m flows.check_policy FILE` is what `holdfast policy check` starts. It prints one JSON object.
"""

import argparse
import json
import sys
from pathlib import Path

from feature_repo.definition import load_definition
from feature_repo.fit import policy_misfits
from lifecycle.errors import HoldfastError, NotFound
from stores.policies import lines_of, read_policy


def check_policy(path: Path) -> dict[str, object]:
    """Return whether the model of a policy file is `known` in this installation, and the `problems`, a line each.

    Of a model that is not known nothing can be said, so `problems` is empty then.
    """
    policy = read_policy(path)
    try:
        definition = load_definition(policy.model)
    except NotFound as error:
        return {"known": False, "because": str(error), "problems": []}
    return {"known": True, "because": "", "problems": list(lines_of(path, policy_misfits(policy, definition)))}


def main() -> None:
    """Print what was found; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m flows.check_policy", description=__doc__)
    parser.add_argument("file", type=Path)
    try:
        found = check_policy(parser.parse_args().file)
    except HoldfastError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
