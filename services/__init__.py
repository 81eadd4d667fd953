"""The four services, each a process of its own: `python -m services.<name>`."""

import gc
import sys

if sys.argv[0] == "-m":
    # Run, not imported, says Python's documentation of `sys.argv`. What a service imports lives as long as it does, so
    # a collection meanwhile finds nothing and takes an eighth of the start; `shared.runtime` lets collections begin.
    gc.disable()
