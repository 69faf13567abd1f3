"""What every test shares."""

import os

# CDK's own template validation costs seconds at each first synth. `cdk synth` runs with it on (tests/cdk/test_cli.py);
# the variable must be set before aws_cdk is imported.
os.environ["CDK_VALIDATION"] = "false"
