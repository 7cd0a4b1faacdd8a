"""The judge benchmark: simulated rollouts before three judges."""
