"""Recorded events played through the whole loop, with versions that earn or lose their place on the way."""
