"""Requests that are answered later: left as jobs, worked on beside the users' requests, told to webhooks."""
