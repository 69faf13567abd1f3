"""``python -m verify``."""

import os
import sys

from verify.cli import main

if __name__ == "__main__":
    exit_code = main()
    if exit_code == 130:
        # Python would wait for calls to AWS that are still under way. They only read: nothing is lost.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
