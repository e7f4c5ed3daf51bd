"""Runs the cases of a test script. Skipped cases are named, and a script that skipped some and failed none ends with 77, which ctest shows
as "Skipped": a case that did not run never counts as passed.
"""
import sys
import unittest

SKIPPED = 77  # SKIP_RETURN_CODE of tests/


def run_cases():
    result = unittest.main(verbosity=2, exit=False).result
    for case, reason in result.skipped:
        print(f"NOT RUN: {case.id().removeprefix('__main__.')}: {reason}", flush=True)
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped:
        sys.exit(SKIPPED)
