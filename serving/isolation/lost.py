"""What a caller is told when an isolated version's process did not come back with scores."""

from lifecycle.errors import HoldfastError


class ProcessLost(HoldfastError):
    """An isolated version's process is gone, hangs, or is being started again."""


def is_lost(error: BaseException) -> bool:
    """Return whether an error, or the one it came from, is a lost process: then somebody else can answer."""
    return isinstance(error, ProcessLost) or isinstance(error.__cause__, ProcessLost)
