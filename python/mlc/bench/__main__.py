# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""python -m mlc.bench: the same as mlc-bench."""

import sys

from . import main

sys.exit(main())
