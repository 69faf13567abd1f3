"""CloudTrail records of the calls made to the lab, and the event history that LookupEvents reads."""
