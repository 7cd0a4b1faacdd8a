"""What the operating system holds a version to, and versions that answer users from a process of their own.

`memory` limits a process from inside, `memory_group` from outside where Linux lets it. `scorer` is the gateway's end of
an isolated version: it calls the `process`, which `keeping` starts, and starts again when it had to be ended.
"""
