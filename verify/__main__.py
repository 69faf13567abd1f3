"""``python -m verify``."""

import gc  # frozen below: a collection of everything that was imported takes a tenth of a second
import os
import sys

# Hardly any garbage here is cyclic; collecting it as often as Python does takes a twentieth of the time.
gc.set_threshold(50_000)

if __name__ == "__main__":
    try:
        # Here, as the imports take long enough for a Ctrl-C.
        from verify.cli import main

        gc.freeze()
        exit_code = main()
    except KeyboardInterrupt:
        exit_code = 130
    if exit_code == 130:
        # Python would wait for calls to AWS that are still under way. They only read: nothing is lost.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(exit_code)
    gc.freeze()
    sys.exit(exit_code)
