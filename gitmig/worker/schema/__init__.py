"""What the models say, and what a database says of itself, as facets."""
