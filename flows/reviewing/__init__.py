"""Reviews: what the log asks people, entered whole, and a call for what nobody answered in time."""
