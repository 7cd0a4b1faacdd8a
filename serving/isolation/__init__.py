"""Versions that answer users from a process of their own.

`scorer` is the gateway's end of an isolated version: it calls the `process`, which `keeping` starts, and starts again
when it had to be ended.
"""
