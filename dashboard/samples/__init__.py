"""Samples as numbers: times, tags, ranges, buckets. Pure."""
