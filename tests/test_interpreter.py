"""Finding the project's interpreter: each place that is looked in, and their order."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitmig.errors import NoInterpreter
from gitmig.rpc.interpreter import Interpreter, find_interpreter


def python(folder: Path, program: str = "bin/python") -> Path:
    """A file where an environment has its interpreter."""
    path = folder / program
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def found(
    *tops: Path,
    configured: str | None = None,
    environment: Mapping[str, str] | None = None,
    own_ok: bool = True,
) -> Interpreter:
    return find_interpreter(configured=configured, environment=environment or {}, tops=tops, own_ok=own_ok)


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_the_environment_in_the_top_level(tmp_path: Path, name: str) -> None:
    expected = python(tmp_path / name)
    assert found(tmp_path) == Interpreter(command=(str(expected),), origin=str(tmp_path / name))


def test_the_nearest_top_comes_first(tmp_path: Path) -> None:
    main, linked = tmp_path / "main", tmp_path / "linked"
    in_main = python(main / ".venv")
    assert found(linked, main).command == (str(in_main),)
    in_linked = python(linked / "env")
    assert found(linked, main).command == (str(in_linked),)


def test_an_environment_that_is_active_comes_before_a_folder(tmp_path: Path) -> None:
    python(tmp_path / ".venv")
    conda, virtual = python(tmp_path / "conda"), python(tmp_path / "virtual")
    active = {"CONDA_PREFIX": str(tmp_path / "conda")}
    assert found(tmp_path, environment=active) == Interpreter(command=(str(conda),), origin="CONDA_PREFIX")
    active["VIRTUAL_ENV"] = str(tmp_path / "virtual")
    assert found(tmp_path, environment=active) == Interpreter(command=(str(virtual),), origin="VIRTUAL_ENV")


def test_gitmigs_own_environment_is_not_the_projects(tmp_path: Path) -> None:
    """The pre-commit framework sets VIRTUAL_ENV to the one that it made for the hook."""
    expected = python(tmp_path / ".venv")
    assert found(tmp_path, environment={"VIRTUAL_ENV": sys.prefix}).command == (str(expected),)


def test_an_active_environment_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    expected = python(tmp_path / ".venv")
    gone = {"VIRTUAL_ENV": str(tmp_path / "gone")}
    assert found(tmp_path, environment=gone).command == (str(expected),)


def test_git_configuration_comes_before_what_is_active(tmp_path: Path) -> None:
    named, active = python(tmp_path / "named"), python(tmp_path / "active")
    assert found(
        tmp_path, configured=str(named), environment={"VIRTUAL_ENV": str(active.parent.parent)}
    ) == Interpreter(command=(str(named),), origin="git config gitmig.python")


def test_the_environment_variable_comes_before_git_configuration(tmp_path: Path) -> None:
    one, two = python(tmp_path / "one"), python(tmp_path / "two")
    assert found(tmp_path, configured=str(one), environment={"GITMIG_PYTHON": str(two)}) == Interpreter(
        command=(str(two),), origin="GITMIG_PYTHON"
    )


def test_a_path_with_spaces_is_one_word(tmp_path: Path) -> None:
    named = python(tmp_path / "with spaces")
    assert found(configured=str(named)).command == (str(named),)


def test_a_relative_path_is_relative_to_the_top(tmp_path: Path) -> None:
    named = python(tmp_path / "tools" / "env")
    assert found(tmp_path / "else", tmp_path, configured="tools/env/bin/python -X dev").command == (
        str(named),
        "-X",
        "dev",
    )


def test_the_home_directory_is_expanded(sealed: Path) -> None:
    named = python(sealed / "env")
    assert found(configured="~/env/bin/python").command == (str(named),)


def test_a_command_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(tmp_path, "docker")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(configured="docker compose exec -T 'web app' python").command == (
        *("docker", "compose", "exec", "-T", "web app", "python"),
    )


@pytest.mark.parametrize("origin", ["GITMIG_PYTHON", "git config gitmig.python"])
def test_one_that_was_named_and_is_not_there_is_not_replaced_by_another(tmp_path: Path, origin: str) -> None:
    python(tmp_path / ".venv")
    named = "/nowhere/python -X dev"
    places = {
        "GITMIG_PYTHON": {"environment": {"GITMIG_PYTHON": named}},
        "git config gitmig.python": {"configured": named},
    }
    with pytest.raises(NoInterpreter) as caught:
        found(tmp_path, **places[origin])  # type: ignore[arg-type]
    assert caught.value.message == "no Python interpreter of the project was found"
    assert caught.value.hint == "git config gitmig.python PATH_OF_PYTHON"
    assert caught.value.detail == f"tried:\n  {origin}: {named}"


def test_quotes_that_do_not_close_are_told(tmp_path: Path) -> None:
    with pytest.raises(NoInterpreter) as caught:
        found(tmp_path, configured="python 'x")
    assert caught.value.detail == "tried:\n  git config gitmig.python: python 'x"


def test_the_last_resort_is_gitmigs_own(tmp_path: Path) -> None:
    assert found(tmp_path) == Interpreter(command=(sys.executable,), origin="gitmig's own")


def test_without_any_the_places_are_listed(tmp_path: Path) -> None:
    with pytest.raises(NoInterpreter) as caught:
        found(tmp_path, own_ok=False)
    assert caught.value.detail == "\n".join(
        ["tried:", *(f"  {tmp_path / name}" for name in (".venv", "venv", "env"))]
    )
