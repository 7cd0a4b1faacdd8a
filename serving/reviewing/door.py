"""Who may review over HTTP: the one place that decides it."""

from lifecycle.errors import NotPermitted
from lifecycle.people import Override, Person, require_permission
from lifecycle.review import Reviewed
from serving.caller import Caller


def reviewer_of(caller: Caller, said: str, people: tuple[Person, ...]) -> str:
    """Return the name under which a caller reviews; raises NotPermitted for one who may not.

    With a key it is the person that the key belongs to, as in the console; `said` may only repeat it. Whoever can
    reach a gateway without keys may act under any name that the policy lets review, and must give one. Either way the
    policy has the last word. That the key's role goes as far was seen at the gateway's door.
    """
    if caller.key_id is None:
        if not said:
            raise NotPermitted("nobody is named in X-Holdfast-Actor; allowed: a name that the policy lets review")
        require_permission(people, said, Override.REVIEW)
        return said
    if caller.person is None:
        raise NotPermitted(
            f"key {caller.key_id} is a program's and nobody's own; ask an admin for a key with --person to review"
        )
    if said not in ("", caller.person):
        raise NotPermitted(f"key {caller.key_id} belongs to {caller.person!r}, not to {said!r}")
    require_permission(people, caller.person, Override.REVIEW)
    return caller.person


def may_see(caller: Caller, review: Reviewed) -> bool:
    """Return whether a review is about this caller's own prediction; another tenant's is as if it were not there."""
    return review.tenant == caller.tenant
