"""Pure: no git, no database, no process, no terminal."""
