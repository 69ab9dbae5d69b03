"""Parts of classification that the answer kinds use: checks of class names, a baseline."""
