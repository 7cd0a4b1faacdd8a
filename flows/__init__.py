"""Prefect flows; each gathers, lets the core decide, and applies."""
