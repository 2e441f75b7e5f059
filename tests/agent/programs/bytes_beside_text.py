"""Tests conditions over bytes, under -bb: a comparison of bytes with text is an error then. Prints their truths."""

import sys

from pyrometer.agent.expressions import compile_expression
from pyrometer.guard.redaction import Redactor

for text in sys.argv[1:]:
    print(compile_expression(text, Redactor(), condition=True).test({"x": b"a", "d": {"a": 1}}.__getitem__))
