"""Who may review over HTTP: the one place that decides it."""

from lifecycle.people import Override, Person, require_permission
from lifecycle.review import Reviewed
from serving.caller import Caller


def reviewer_of(caller: Caller, said: str, people: tuple[Person, ...]) -> str:  # noqa: ARG001 - see below
    """Return the name under which a caller reviews; raises NotPermitted for one who may not.

    Whoever can reach a gateway without keys may act under any name that the policy lets review, as with
    `holdfast review --as`. Where callers have keys, the caller's own name takes the place of `said` here.
    """
    require_permission(people, said, Override.REVIEW)
    return said


def may_see(caller: Caller, review: Reviewed) -> bool:
    """Return whether a review is about this caller's own prediction; predictions of nobody are everybody's."""
    return review.tenant is None or review.tenant == caller.tenant
