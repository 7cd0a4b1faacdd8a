"""Versions as other people would register them, good and bad, for a play to put on trial."""
