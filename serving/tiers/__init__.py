"""Who answers a micro-batch, within which time, and who does when they cannot."""
