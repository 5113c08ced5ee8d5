"""Opening a project: its repository, Alembic configuration, settings and interpreter.

A Project is what every operation works on. Opening one reads files and asks git; it changes nothing,
starts no process but git, and imports nothing of the project's code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gitmig.core.configuration import Configuration, read_configuration
from gitmig.core.environments import Environment
from gitmig.core.paths import other_form
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, Unreadable
from gitmig.core.settings import Settings
from gitmig.errors import NoRepository, SettingsError
from gitmig.git.flat_trees import IndexTree, WorkTree
from gitmig.git.folder_tree import FolderTree
from gitmig.git.layout import Layouts
from gitmig.git.modules import FILE, module_of
from gitmig.git.patterns import expanded, is_pattern
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree, Tree
from gitmig.project.graphs import read_graph, revision_files
from gitmig.project.origin import commit_of
from gitmig.project.outside import outside_scripts
from gitmig.project.unlinked import unlinked
from gitmig.project.workers import Workers
from gitmig.rpc import launch
from gitmig.rpc.interpreter import Interpreter
from gitmig.state.facts import Facts
from gitmig.state.scripts import KnownScripts
from gitmig.wire.values import BlobId, CommitId

PASSED_ON = "GITMIG_X"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """What the options that every command takes say."""

    directory: Path
    config: Path | None = None
    section: str = "alembic"
    environment: str | None = None
    """The name of the environment that is meant."""
    x: tuple[str, ...] = ()
    url_env: str | None = None
    verbose: bool = False
    hook: bool = False
    """Whether a hook runs: then ``x`` is what :func:`hook_arguments` says, unless it was given."""
    tell: Callable[[str], None] = field(default=lambda text: None, compare=False)
    """Shows a person what takes so long."""

    @property
    def words(self) -> list[str]:
        """The options as a person gives them, for the hints."""
        words = [] if self.directory == Path(".") else ["-C", str(self.directory)]
        words += ["--config", str(self.config)] if self.config is not None else []
        words += ["-e", self.environment] if self.environment is not None else []
        words += ["--name", self.section] if self.section != "alembic" else []
        words += [word for argument in self.x for word in ("-x", argument)]
        return words + (["--url-env", self.url_env] if self.url_env is not None else [])


@dataclass(kw_only=True)
class Project:
    """An Alembic environment and, if there is one, the git repository around it."""

    top: Path
    """The top level of the work tree; without git, the folder of the configuration."""
    repository: Repository | None
    environment: Environment
    options: ProjectOptions
    memory: dict[str, object] = field(default_factory=dict)
    """What the layers above have derived from history so far; :meth:`forget` clears it."""
    _graphs: dict[str, Graph] = field(default_factory=dict)
    _read: list[tuple[Mapping[str, BlobId], Graph]] = field(default_factory=list)
    """Graphs by what the versions folders hold: HEAD's is mostly the work tree's."""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

    @cached_property
    def configuration(self) -> Configuration:
        """How Alembic is configured."""
        return unlinked(self.environment.configuration, self.top)

    @property
    def settings(self) -> Settings:
        """What the tracked settings say of this environment."""
        return self.environment.settings

    @property
    def directory(self) -> Path:
        """The folder in which people run Alembic: where the project's code runs."""
        return self.top / self.configuration.directory

    @property
    def git(self) -> Repository:
        """The repository. Raises NoRepository where there is none."""
        if self.repository is None:
            raise NoRepository(f"{self.top} is not in a git repository", hint="git init")
        return self.repository

    @property
    def commit(self) -> CommitId | None:
        """HEAD; without git what ``GITMIG_COMMIT`` says."""
        return commit_of(self.repository)

    def notes(self) -> Path:
        """The folder for what this work tree remembers of this environment; made by whoever writes there."""
        return self.git.private() / self.notes_folder

    @property
    def notes_folder(self) -> str:
        """The folder of its notes in what each work tree remembers."""
        return environment_folder(self.configuration.source.key)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models files and folders that a rollback puts back, relative to the top; patterns expanded."""
        paths = self._by_module(self.environment.models)
        if not any(map(is_pattern, paths)):
            return paths
        if self.repository is not None:
            return expanded(self.repository, paths)
        return tuple(dict.fromkeys(name for path in paths for name in self._on_disk(path)))

    def _by_module(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """A submodule in the place of what lies in one: a commit has it as a whole."""
        if self.repository is None or not (self.top / FILE).is_file():
            return paths
        head = self.repository.head()
        modules = {**(self.commit_tree(head).modules() if head is not None else {}), **self.index.modules()}
        return tuple(dict.fromkeys(module_of(path, modules) or path for path in paths))

    def _on_disk(self, path: str) -> list[str]:
        return sorted(map(self.relative, self.top.glob(path))) if is_pattern(path) else [path]

    def require_models(self) -> tuple[str, ...]:
        """The models files. Raises SettingsError where none are configured or one is nowhere."""
        if not self.models:
            raise SettingsError("no models files are configured", hint="gitmig init")
        self.require_models_found()
        return self.models

    def require_models_found(self) -> None:
        """Raise SettingsError for a models file that neither the work tree nor HEAD has.

        HEAD counts: a rollback to before a file was added takes it out of the work tree. So does a package
        where a module of that name is configured, and the reverse. A pattern means files of all times.
        """
        head = self.repository.head() if self.repository is not None else None
        trees = [self.work_tree, *([self.commit_tree(head)] if head is not None else [])]
        for path in self._by_module(self.environment.models):
            if is_pattern(path) or any(
                tree.exists(place) for tree in trees for place in (path, other_form(path))
            ):
                continue
            raise SettingsError(
                f"{path} does not exist, and is configured as a models file",
                hint=f"correct models in [tool.gitmig] of {self.environment.settings_file}",
            )

    @cached_property
    def work_tree(self) -> Tree:
        """The files on disk."""
        if self.repository is None:
            return FolderTree(self.top)
        return WorkTree(self.repository, also=revision_files(self.configuration, self.top))

    @cached_property
    def index(self) -> IndexTree:
        """What is staged (git's own index, or the one that a running ``git commit`` names)."""
        return IndexTree(self.git, os.environ.get("GIT_INDEX_FILE"))

    def commit_tree(self, commit: CommitId) -> Tree:
        """The files of a commit."""
        return CommitTree(self.git, commit)

    def graph(self, tree: Tree | None = None) -> Graph:
        """The revision graph of a tree, read as text: by default of the work tree.

        Or of the index, if the sparse checkout leaves the revisions out.
        """
        tree = tree or (self.index if self.left_out else self.work_tree)
        if tree.label not in self._graphs:
            configuration = self.configuration_of(tree)
            held = {path: blob for one in configuration.versions for path, blob in tree.ids(one).items()}
            graph = next((graph for ids, graph in self._read if ids == held and not graph.unreadable), None)
            if graph is None:
                graph = read_graph(tree, configuration, self.outside, self.known_scripts)
                self._read = [*self._read[-1:], (held, graph)]
            self._graphs[tree.label] = graph
        return self._graphs[tree.label]

    def configuration_of(self, tree: Tree) -> Configuration:
        """That of a commit where it is another: the folders of its revisions may have moved since."""
        ours, here = self.configuration, FolderTree(self.top)
        if tree is self.work_tree or all(tree.read(path) == here.read(path) for path in ours.files):
            return ours
        found = read_configuration(ours.source, tree, str(self.top))
        return ours if found is None else unlinked(found, self.top)

    @cached_property
    def left_out(self) -> str | None:
        """A folder with revisions that the sparse checkout leaves out; None if some are on disk."""
        folders = self.configuration.versions
        if self.repository is None or any((self.top / folder).exists() for folder in folders):
            return None
        if self.repository.config("core.sparseCheckout") != "true":
            return None
        return next((folder for folder in folders if self.index.ids(folder)), None)

    @cached_property
    def facts(self) -> Facts | None:
        """What was read out of the repository before; None without one."""
        return Facts(self.repository.shared() / "state") if self.repository is not None else None

    @cached_property
    def known_scripts(self) -> KnownScripts | None:
        """The revision files of the repository; None without one."""
        return KnownScripts(self.facts) if self.facts is not None else None

    @cached_property
    def outside(self) -> tuple[Script | Unreadable, ...]:
        """The revisions in installed packages; their paths are absolute. Raises NoInterpreter."""
        configuration = self.configuration
        if not configuration.outside:
            return ()
        return outside_scripts(configuration, self.interpreter.command, self.directory)

    @cached_property
    def interpreter(self) -> Interpreter:
        """The project's interpreter. Raises NoInterpreter with the list of what was tried."""
        return launch.interpreter_of(self.repository, self.directory)

    @cached_property
    def hook_x(self) -> tuple[str, ...]:
        """What a hook gives env.py: ``gitmig.x`` of git's configuration."""
        return self.repository.config_all("gitmig.x") if self.repository is not None else ()

    @property
    def workers(self) -> Workers:
        """Starts what runs the project's code."""
        return Workers(project=self)

    @property
    def layouts(self) -> Layouts:
        """The folders that its states are laid out in, for code to run there."""
        return Layouts(repository=self.git, tell=self.options.tell)

    def whole_code(self) -> Tree | None:
        """HEAD, if models that it has are not on disk; None stands for the files on disk.

        A rollback to before they were renamed leaves the older ones at their old place, where nothing that
        came later looks for them.
        """
        head = self.repository.head() if self.repository is not None else None
        if head is None or all((self.top / path).exists() for path in self.models):
            return None
        tree = self.commit_tree(head)
        return tree if all(tree.exists(path) for path in self.models) else None

    def forget(self) -> None:
        """Drop what was read from the work tree and the index, after they were changed."""
        self._graphs = {
            label: graph
            for label, graph in self._graphs.items()
            if label not in ("the index", "the work tree")
        }
        for name in ("ties", "replayed"):
            self.memory.pop(name, None)
        for name in ("work_tree", "index", "models"):
            self.__dict__.pop(name, None)

    def relative(self, path: Path) -> str:
        """A path inside the project, relative to the top, with forward slashes."""
        return path.relative_to(self.top).as_posix()

    def shown(self, path: Path) -> str:
        """A path for a message: relative to the top where it lies below."""
        return self.relative(path) if path.is_relative_to(self.top) else str(path)


def environment_folder(key: str) -> str:
    """Where the notes of an environment are, in a folder of the git directory."""
    if not key:
        return ""
    return f"environments/{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
