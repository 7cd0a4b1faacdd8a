"""What one look gathers: counts, baselines, outcomes, freshness, intake; and whom it tells."""
