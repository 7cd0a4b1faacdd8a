"""How good answers were, how sure that is, and what their scores alone say about it."""
