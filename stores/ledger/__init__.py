"""The ledger: the one SQL database of plans, decisions, arm readiness and progress."""
