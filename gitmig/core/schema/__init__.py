"""Pure functions of schemas: sets of facets."""
