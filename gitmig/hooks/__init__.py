"""The git hooks: the quick answer, the advice, and how they are installed."""
