"""What supervise sees of each arm, and what it does about it."""
