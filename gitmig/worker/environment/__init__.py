"""The project's env.py: its configuration, what it migrates towards, and where its database stands."""
