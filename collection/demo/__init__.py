"""The demonstration estate: synthetic, lifelike, and the same for the same seed and day."""
