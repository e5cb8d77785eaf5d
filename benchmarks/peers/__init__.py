"""Baselines, each written as its own documentation suggests."""
