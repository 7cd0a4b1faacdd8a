"""Requests that are sent twice: by a key of the client's, or as they are at the same moment."""
