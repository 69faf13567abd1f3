"""CloudFormation in the lab: the resource types of the project's stacks, made through the API and honoured in full."""
