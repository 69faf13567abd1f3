"""Pages of the documentation, whose commands are run."""
