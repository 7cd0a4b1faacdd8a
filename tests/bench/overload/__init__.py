"""What people notice while programs ask for five times as much as can be answered."""
