"""The output monitor on the shipped source: openings without a fault, answers until a fault is found, and its cost."""
