"""Every attack of the model of CloudTrail, played in a lab, and what the verifier and the AWS CLI say of it."""
