"""Revisions and their graph, read as text."""
