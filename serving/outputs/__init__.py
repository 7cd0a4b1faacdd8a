"""What happens when the answers of a version no longer look like its own: they are stopped, kept, and tried again."""
