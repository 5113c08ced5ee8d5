"""Drafting a revision: what it is made of, and whether it does what it says."""
