"""What can be predicted: one kind of answer a file."""
