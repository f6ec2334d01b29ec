"""The small libraries of this folder in C, which are compiled here and preloaded into a process under test."""

import pathlib
import shutil
import subprocess

from .process import Failure


def compiled(name, folder):
    """The path of the library that `name`.c of this folder becomes, made in `folder`. Raises `Failure` where there is no C compiler."""
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise Failure("no C compiler is installed")
    library, source = f"{folder}/{name}.so", pathlib.Path(__file__).with_name(f"{name}.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, str(source)], check=True)
    return library
