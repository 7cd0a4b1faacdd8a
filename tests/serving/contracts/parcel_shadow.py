"""The shadow's own process, with the parcels where it looks for definitions: `python parcel_shadow.py …`."""

import sys

from serving.shadow.process import main
from tests.serving.contracts.parcels import install

if __name__ == "__main__":
    # The definition comes first: what the process does is the real one's alone.
    install()
    sys.exit(main())
