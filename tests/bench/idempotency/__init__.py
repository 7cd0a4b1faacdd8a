"""What a key costs, and what requests without one pay for it."""
