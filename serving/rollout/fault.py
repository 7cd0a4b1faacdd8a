"""Whose fault it is that a version does not stand."""

from lifecycle.errors import Unavailable


def is_the_version_s(error: Exception) -> bool:
    """Return whether an error speaks against the version itself.

    A registry that is away and a full disk do not: a version must never be taken back for them.
    """
    return not isinstance(error, Unavailable | OSError)
