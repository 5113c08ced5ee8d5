"""The command line: parses, calls one operation, renders its result, decides the exit code."""
