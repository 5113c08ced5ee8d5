"""Open a project: its repository, environments, settings and interpreter."""
