"""What each gateway replica counts of what it serves, away from the path of requests."""
