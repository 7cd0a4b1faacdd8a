"""Where people meet the gateway: answers enter their queue, and their words come back."""
