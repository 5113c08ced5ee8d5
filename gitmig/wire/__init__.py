"""What the command line and the worker share. The standard library alone, Python 3.10."""
