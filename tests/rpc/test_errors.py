"""What the project's code did not find, and where it may be."""

from __future__ import annotations

import pytest

from gitmig.rpc.errors import is_lacking


@pytest.mark.parametrize(
    ("message", "folder", "lacking"),
    [
        ("ModuleNotFoundError: No module named 'shared'", "shared", True),
        ("ModuleNotFoundError: No module named 'libs.shared.models'", "libs/shared", True),
        ("ModuleNotFoundError: No module named 'libs'", "libs/shared", True),
        ("ModuleNotFoundError: No module named 'models'", "web/models", True),
        ("ModuleNotFoundError: No module named 'common_models'", "vendor/common-models", True),
        ("ModuleNotFoundError: No module named 'anything'", "src", True),
        ("ImportError: cannot import name 'Base' from 'shared' (unknown location)", "shared", True),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'shared/schema.sql'", "shared", True),
        ("ModuleNotFoundError: No module named 'structlog'", "integrations/n8n", False),
        ("ModuleNotFoundError: No module named 'share'", "shared", False),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'settings.toml'", "shared", False),
    ],
)
def test_a_submodule_that_is_not_laid_out(message: str, folder: str, lacking: bool) -> None:
    assert is_lacking(message, folder, ("", "web", "src/app")) is lacking
