"""Activity worth finding: real API calls by real identities of the lab, each told in a line as it is made."""
