"""Python packages in a virtual environment of their own below .build, made once for each list of them."""

import pathlib
import subprocess
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]


def environment(name, packages):
    """The folder of the virtual environment `name` with these packages, such as `flask==3.1.2`; its programs are in `bin`."""
    folder = ROOT / f".build/{name}-venv"
    mark, wanted = folder / "installed", "\n".join(packages)
    if not mark.exists() or mark.read_text() != wanted:
        print(f"installing {', '.join(packages)} into {folder.relative_to(ROOT)}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
        mark.write_text(wanted)
    return folder
