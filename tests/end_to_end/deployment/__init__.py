"""A stack that the CDK CLI deploys, updates and destroys in the lab, and what a first deployment that fails leaves."""
