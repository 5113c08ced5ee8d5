"""One module for each request that the command line makes."""
