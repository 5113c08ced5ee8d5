"""The example: an application whose schema follows its models."""
