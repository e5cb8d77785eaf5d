"""Code shared by the benchmarks: contenders, load client, paired runs, tables."""
