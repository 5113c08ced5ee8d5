"""Results in; text, JSON or GitHub annotations out. Nothing here asks git or a database."""
