"""Recordings to examples, examples to weights, weights to scores."""
