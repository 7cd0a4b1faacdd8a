"""The judge of a rollout: proof that holds however often it is looked at."""
