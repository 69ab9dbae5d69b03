"""Parts of the answer kind `number`: prediction, scores, intervals, distribution, report."""
