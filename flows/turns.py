"""Turns: what a flow does for one model must not keep it from the others."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from lifecycle.errors import HoldfastError

Done = TypeVar("Done")

log = structlog.get_logger()


def take_turns(models: Iterable[str], act: Callable[[str], Done]) -> tuple[Done, ...]:
    """Act for every model in order and return what was done for each.

    Raises after the last turn: the error itself when only one model failed, else a HoldfastError that lists all.
    """
    done: list[Done] = []
    failures: dict[str, HoldfastError] = {}
    for model in models:
        try:
            done.append(act(model))
        except HoldfastError as error:
            log.warning("model_failed", model=model, error=type(error).__name__, because=str(error))
            failures[model] = error
    if len(failures) == 1:
        raise next(iter(failures.values()))
    if failures:
        told = "\n".join(f"{model}: {type(error).__name__}: {error}" for model, error in failures.items())
        raise HoldfastError(f"{len(failures)} of {len(failures) + len(done)} models failed\n{told}")
    return tuple(done)
