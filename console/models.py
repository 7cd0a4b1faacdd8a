"""Which models a command may be asked for."""

from pathlib import Path

from lifecycle.errors import NotFound
from stores.policies import policy_models


def require_known(policies: Path, model: str | None, found: object) -> None:
    """Raise NotFound where nothing was found of a model that has no policy: a slip of the pen is no good news."""
    if model is None or found:
        return
    known = policy_models(policies)
    if model not in known:
        raise NotFound(f"no model {model!r}; models here: {', '.join(known) or 'none'}. Name one of them.")
