"""What gitmig asks git and what it changes there.

Imports wire and errors only; prints nothing. GitPython is the runner, and is
imported once a repository was found (it is slow, and fails where there is no git).
"""

from gitmig.git.folder_tree import FolderTree
from gitmig.git.objects import Entry, Objects
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree, IndexTree, Tree, WorkTree, content_digest

__all__ = [
    "CommitTree",
    "Entry",
    "FolderTree",
    "IndexTree",
    "Objects",
    "Repository",
    "Tree",
    "WorkTree",
    "content_digest",
]
