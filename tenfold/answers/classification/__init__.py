"""Parts of classification for answer kinds and tasks: losses, logits, checks of class names."""
