"""The drift benchmark: false alarms, power, real weeks, speed, and agreement with Evidently."""
