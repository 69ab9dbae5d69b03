"""Networks that answer how strange a row is: heads that score, and the threshold of alarms."""
