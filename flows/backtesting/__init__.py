"""What new rules would have decided on evidence that was recorded under others."""
