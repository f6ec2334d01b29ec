"""What the load generators take of the cores that they share with the service. In life they have machines of their own."""

import ctypes
import os
import platform
import struct

# sched_setattr(2), which Python 3.11 does not have: its number by machine, and version 0 of its structure.
NUMBERS = {"x86_64": 314, "aarch64": 274}
ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def set_priority(niceness, slice_milliseconds):
    """For the calling thread and those that it makes. Who wakes takes the core from one with a longer slice (since Linux 6.12; older
    kernels overlook the slice)."""
    if (number := NUMBERS.get(platform.machine())) is None:
        os.nice(niceness)
        return
    attributes = ATTRIBUTES.pack(ATTRIBUTES.size, 0, 0, niceness, 0, int(slice_milliseconds * 1_000_000), 0, 0)
    if ctypes.CDLL(None, use_errno=True).syscall(number, 0, attributes, 0) != 0:
        raise OSError(ctypes.get_errno(), "sched_setattr")
