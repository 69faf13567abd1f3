"""Three matrices: what can be wrong with a trail, and with an answer, and where a first deployment can fail."""
