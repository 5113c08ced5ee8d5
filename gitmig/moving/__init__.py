"""Moving the database and the files together."""
