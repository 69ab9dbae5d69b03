"""Videos as an input for prediction and serving; no reader of training data yet."""
