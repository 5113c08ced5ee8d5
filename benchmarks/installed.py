"""gitmig as people have it: a wheel in an environment of its own. An editable one takes longer to start."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_ALEMBIC = "#!{python}\nimport sys\nfrom alembic.config import main\nsys.exit(main())\n"


def python(folder: Path) -> Path:
    """Install the source as a wheel below ``folder``, beside all that is installed here; its interpreter."""
    place, wheels = folder / "environment", folder / "wheels"
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, _ROOT],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    found = place / "bin" / "python"
    install = ["-m", "pip", "--python", found, "install", "--quiet", "--no-deps", "--no-index"]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([sys.executable, *install, *wheels.glob("*.whl")], check=True, env=environment)
    # What a .pth file of that folder says is not done again, so that the editable install is not there.
    packages = next((place / "lib").glob("python*/site-packages"))
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    script = place / "bin" / "alembic"
    script.write_text(_ALEMBIC.format(python=found), "utf-8")
    script.chmod(0o755)
    subprocess.run([found, "-m", "compileall", "-q", packages], check=True)
    return found
