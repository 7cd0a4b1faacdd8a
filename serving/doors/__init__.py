"""Who may come in at the gateway, and how many: keys, rate limits, and the size of a request's head."""
