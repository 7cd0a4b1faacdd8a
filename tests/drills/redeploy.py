"""`python -m tests.drills.redeploy ADDRESS`: deploys the gateway anew on a cluster that runs, as a release does.

It reads the settings that the server was started with, so that a changed policy changes the number of replicas.
"""

import sys

import ray
from ray import serve

from serving.app import NAME, build
from stores.settings import settings


def main() -> None:
    """Attach, deploy, and leave once every new replica answers."""
    ray.init(sys.argv[1], logging_level="WARNING", log_to_driver=False)
    serve.run(build(settings()), name=NAME, route_prefix="/")


if __name__ == "__main__":
    main()
