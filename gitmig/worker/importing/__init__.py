"""How the project's code is found: which folder a tree is, and what an import depended on."""
