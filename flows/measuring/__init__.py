"""Measuring: what was answered, what became of it, and the figures of both."""
