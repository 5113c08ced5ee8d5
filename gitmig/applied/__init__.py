"""The scripts that a database was made with, and the trees that they run in."""
