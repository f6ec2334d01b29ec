"""Wall clocks that can be moved: those of Redis and of the API's host, by a small library that is compiled here and preloaded."""

import pathlib
import shutil
import struct
import subprocess

from .process import Failure

OFFSET = struct.Struct("=q")


class Clocks:
    """Given to a service as `prepare`. Each clock is moved by the milliseconds in a file, which the library has mapped."""

    def __init__(self, service):
        library = compiled(service.folder)
        self.files = {}
        for who, environment in (("redis", service.redis_environment), ("host", service.environment)):
            self.files[who] = pathlib.Path(service.folder) / f"offset-{who}"
            self.files[who].write_bytes(OFFSET.pack(0))
            environment |= {"LD_PRELOAD": library, "CLOCK_OFFSET_FILE": str(self.files[who])}

    def set(self, who, seconds):
        """Moves these clocks by so many seconds from the right time."""
        for name in who:
            with open(self.files[name], "r+b", buffering=0) as file:
                file.write(OFFSET.pack(int(seconds * 1000)))


def compiled(folder):
    """The library, made in `folder`."""
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise Failure("no C compiler is installed")
    library = f"{folder}/moved_clock.so"
    source = pathlib.Path(__file__).with_name("moved_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, str(source)], check=True)
    return library
