"""REST: metrics, their history, and the samples that programs push."""
