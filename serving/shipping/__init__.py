"""What follows answers, in a process beside each replica: the log's table, counts for drift, reviews, and jobs' rows.

In the replica, `keeping` seals segments and keeps the process. In the process, `working` ships what is sealed. ADR 14
says why it is no thread.
"""
