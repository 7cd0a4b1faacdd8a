"""What a call to an isolated version costs."""
