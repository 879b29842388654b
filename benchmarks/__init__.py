"""Benchmarks, each a script that `make bench-NAME` runs. None is part of the package or of the test suite."""
