"""Whose connections these are: in this process, in all of them, and what ends them."""
