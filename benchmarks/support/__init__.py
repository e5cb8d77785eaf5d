"""What the benchmarks share: contenders, load client, paired runs, tables."""
