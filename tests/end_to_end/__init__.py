"""The whole stack, as `holdfast run` starts it."""
