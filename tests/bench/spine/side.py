"""One side of the comparison: a gateway of whatever checkout this process runs in, until its standard input closes.

`python side.py HOME TOLD` with the checkout as working directory and first on PYTHONPATH. It uses only what the
benchmark had at the older revision, too, because it is that revision's modules it imports there.
"""

import json
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from stores.settings import settings
from tests.bench.serving.benchmark import OURS, OURS_ROWS, _contestants
from tests.bench.serving.home import prepare_home
from tests.bench.serving.servers import holdfast, running


def main() -> None:
    """Prepare a state folder with a champion, start the gateway, and write where it answers and to which bodies."""
    home, told = Path(sys.argv[1]), Path(sys.argv[2])
    chosen = prepare_home(home, settings(), Console(stderr=True))
    bodies = home.with_name(f"{home.name}-bodies")
    bodies.mkdir()
    ways = [one for one in _contestants(chosen, bodies) if one.name in (OURS, OURS_ROWS)]
    with running(chosen, [holdfast(chosen)]):
        said = {one.name: [one.address, str(one.bodies.single), str(one.bodies.batch)] for one in ways}
        draft = told.with_suffix(".tmp")
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.replace(told)
        sys.stdin.read()


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    main()
