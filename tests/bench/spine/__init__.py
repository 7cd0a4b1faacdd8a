"""What everything since the first complete request path costs it."""
