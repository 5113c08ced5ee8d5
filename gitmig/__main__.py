"""``python -m gitmig``: the same as the ``gitmig`` command."""

from gitmig.cli.main import main

if __name__ == "__main__":
    main()
