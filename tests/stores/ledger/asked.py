"""Reviews as the log asks for them."""

from datetime import UTC, datetime, timedelta

from lifecycle.review import Reviewed, ReviewKind

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def asked(name: str, minutes: int = 0, **changes: object) -> Reviewed:
    """Return a review of an answer that was served some minutes after noon and is due an hour later."""
    served_at = NOON + timedelta(minutes=minutes)
    values: dict[str, object] = {
        "prediction_id": name,
        "model": "m",
        "version": "1",
        "kind": ReviewKind.PROVISIONAL,
        "example_id": f"example {name}",
        "request": '{"load":1}',
        "score": 0.26,
        "decision": "yes",
        "decided_by": None,
        "predicted": 1,
        "tenant": None,
        "served_at": served_at,
        "due_at": served_at + timedelta(hours=1),
        "entered_at": served_at,
    }
    return Reviewed(**values | changes)  # type: ignore[arg-type]
