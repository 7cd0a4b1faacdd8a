"""Drills on the real serving program, from outside."""
