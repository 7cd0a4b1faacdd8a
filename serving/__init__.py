"""The gateway: answers over HTTP from versions held in process, and logs every answer first."""
