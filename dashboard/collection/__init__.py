"""Collection: one module per kind of source, and the engine that runs them."""
