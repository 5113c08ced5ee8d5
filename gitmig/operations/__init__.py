"""One use case per file: a plain function from a Project to a frozen result. Nothing here prints."""
