"""Drift: how far a window's rows stand from the baseline, and what of it is certain and matters."""
