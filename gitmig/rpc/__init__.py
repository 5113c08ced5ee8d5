"""The worker from outside: its process, and what is said to it."""
