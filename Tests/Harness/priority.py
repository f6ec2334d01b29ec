"""The share of the load generators in the cores that the service runs on. In life they have machines of their own."""

import ctypes
import os
import platform
import struct

# sched_setattr(2), which Python 3.11 does not have: its number by machine, and version 0 of its structure.
NUMBERS = {"x86_64": 314, "aarch64": 274}
ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def set_priority(niceness, slice_milliseconds):
    """For the calling thread and those that it makes. A thread that wakes takes the core from one with a longer slice (since Linux 6.12; older
    kernels overlook the slice, and where a sandbox refuses it there is the priority alone)."""
    attributes = ATTRIBUTES.pack(ATTRIBUTES.size, 0, 0, niceness, 0, int(slice_milliseconds * 1_000_000), 0, 0)
    number = NUMBERS.get(platform.machine())
    if number is None or ctypes.CDLL(None).syscall(number, 0, attributes, 0) != 0:
        os.nice(niceness)
