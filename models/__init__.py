"""The networks, their weights, and Transcriber, the only object that owns streaming state."""
