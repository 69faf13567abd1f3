"""Two matrices: what can be wrong with a trail, and what can be wrong with an answer."""
