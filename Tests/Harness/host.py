"""The machine that a measurement runs on."""

import os


def cores():
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def memory_bytes():
    """The memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class HostShare:
    """How much of the cores' time a virtual machine's host gave to others: what is late then is not late in the service."""

    def __init__(self):
        self.start = self.read()

    @staticmethod
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, idle, wait, interrupts, soft, stolen = map(int, file.readline().split()[1:9])
        return stolen, user + nice + system + idle + wait + interrupts + soft + stolen

    def until_now(self):
        (stolen, every), (stolen_before, before) = self.read(), self.start
        return (stolen - stolen_before) / max(1, every - before)
