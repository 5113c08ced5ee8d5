"""What gitmig asks git and what it changes there.

Imports wire and errors only; prints nothing. GitPython is the runner, and is
imported once a repository was found (it is slow, and fails where there is no git).
"""
