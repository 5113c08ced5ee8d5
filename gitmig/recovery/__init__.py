"""Bring home what an interrupted command left."""
