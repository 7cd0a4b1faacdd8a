"""The pure core: what is true about a model in production, and what follows from it."""
