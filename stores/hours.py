"""One version's hour: what counts are kept by."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Hour:
    """The predictions of one version whose moments lie in the hour that begins at `hour_at`."""

    model: str
    version: str
    hour_at: datetime
