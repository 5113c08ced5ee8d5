"""What is derived from history, and from what was computed before."""
