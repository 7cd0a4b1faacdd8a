"""A year of the shipped source against the first months of it: what moved, when, and what it did to quality."""
