"""Retraining: ask for it, gather what the decision needs, carry it out once."""
