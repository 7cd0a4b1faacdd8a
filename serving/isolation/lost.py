"""What a caller is told when an isolated version's process did not come back with scores."""

from lifecycle.errors import HoldfastError


class ProcessLost(HoldfastError):
    """An isolated version's process is gone, hangs, or is being started again."""
