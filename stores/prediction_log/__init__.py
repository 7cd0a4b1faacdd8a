"""The prediction log: what each model saw and said, every answer exactly once.

A replica appends to a local segment before it answers (`segment`), ships sealed segments into a Delta
table (`shipper`), and the table is read with SQL (`table`).
"""
