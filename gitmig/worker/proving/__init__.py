"""What is tried on scratch databases, and how a live one is described."""
