"""What answers in the place of the version because it is cheaper."""
