"""What is derived from history and cached."""
