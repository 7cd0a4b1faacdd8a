"""What a shadow costs the champion's users."""
