"""What happens to a request that is sent twice, as English sentences."""

from collections.abc import Iterator

from lifecycle.idempotency_policy import IdempotencyPolicy

MS_PER_SECOND = 1000


def explain_idempotency(idempotency: IdempotencyPolicy) -> Iterator[str]:
    """Yield what a client may rely on."""
    yield (
        "A client may mark a request with a key of its own. However often it is sent again with that key, it is "
        f"answered, logged and billed once, and the answer is kept for {idempotency.keep_hours:,g} hours. The same key "
        "on another request is refused."
    )
    yield (
        "While the first is being answered, the others wait for it, at most "
        f"{idempotency.wait_ms / MS_PER_SECOND:,g} seconds; then they are asked to come again."
    )
    yield f"An answer of more than {idempotency.max_answer_bytes:,} bytes is given once and not kept."
    if idempotency.share_identical:
        yield (
            "Requests without a key that are the same, letter for letter, and come from the same client while one of "
            "them is being answered, share its answer."
        )
    else:
        yield "Requests without a key are each answered by themselves, also when they are the same."
