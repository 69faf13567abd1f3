"""What every test shares."""

import functools
import os
import signal

import botocore.loaders

# CDK's own template validation costs seconds at each first synth. `cdk synth` runs with it on (tests/cdk/test_app.py);
# the variable must be set before aws_cdk is imported.
os.environ["CDK_VALIDATION"] = "false"

# Every session of botocore, and so every run of a command in this process, would parse the service models anew.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)

# A shell that starts this run in the background makes it ignore Ctrl-C, and with it every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
