"""Benchmarks, one file per question; `make bench` runs them all, RESULTS.md keeps the results."""
