"""One deployer at a time: the locks of a database, and who holds them."""
