"""A digest, its signature and the chain. Pure."""
