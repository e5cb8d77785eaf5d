"""Times, tags, ranges and buckets of samples. Pure."""
