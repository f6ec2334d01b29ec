"""Wall clocks that can be moved: those of Redis and of the API's host, by a small library that is compiled here and preloaded."""

import pathlib
import struct

from .preloaded import compiled

OFFSET = struct.Struct("=q")


class Clocks:
    """Given to a service as `prepare`. Each clock is moved by the milliseconds in a file, which the library has mapped."""

    def __init__(self, service):
        library = compiled("moved_clock", service.folder)
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
