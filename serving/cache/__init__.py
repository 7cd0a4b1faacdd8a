"""Answers given again: to the very same request, and to feature vectors that lie near enough."""
