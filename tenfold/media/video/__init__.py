"""Films: what a person hands over; no reader yet."""
