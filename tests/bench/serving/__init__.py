"""Holdfast's serving path beside hand-written servers, on the same booster, requests and machine."""
