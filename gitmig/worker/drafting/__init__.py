"""Drafting a revision out of two versions of the models, and proving it."""
