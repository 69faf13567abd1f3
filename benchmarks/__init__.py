"""What things cost, each measured beside a named peer in the same run."""
