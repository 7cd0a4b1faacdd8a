"""A program with a shadow beside it: `python parent.py VERSIONS LOG HOW`; it says its child's id, and waits."""

import sys
import time
from pathlib import Path

from serving.shadow.shadows import Shadows
from stores.prediction_log.segment import SegmentWriter
from tests.serving.shadow.conftest import MISBEHAVING, ODD, Replica, champion_rows


def main() -> None:
    """Mirror one good and one odd batch, and wait to be killed."""
    versions, root, way = sys.argv[1:]
    writer = SegmentWriter(Path(root), "replica-a")
    shadows = Shadows(Path(root), "replica-a", writer, (*MISBEHAVING, way))
    replica = Replica(Path(root), Path(versions), writer, shadows)
    mirror = replica.follow()
    mirror.offer(champion_rows("a"))
    replica.until_accounted(1)
    mirror.offer(champion_rows("b", first_feature=ODD))
    (child,) = replica.children()
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    main()
