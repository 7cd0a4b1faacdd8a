"""What each tenant has spent today, and what follows when it is enough."""
