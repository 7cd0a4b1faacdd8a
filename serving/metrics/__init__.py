"""What the gateway tells Prometheus: counts that survive its replicas, and the state of the loop from the ledger."""
