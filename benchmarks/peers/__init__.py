"""Named baselines, each written as its own documentation writes it."""
