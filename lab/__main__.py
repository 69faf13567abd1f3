"""`python -m lab`."""

import sys

try:
    # Here, as the imports take long enough for a Ctrl-C.
    from lab.cli import main

    code = main(sys.argv[1:])
except KeyboardInterrupt:
    code = 130
sys.exit(code)
