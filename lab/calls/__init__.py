"""Which AWS operation is this HTTP request? Answered from botocore's service models, without any I/O but theirs."""
