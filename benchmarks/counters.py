"""What the operating system counts for a process: CPU time, page faults, bytes read."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import resource

import psutil

# Fields of /proc/PID/stat after the name, which can hold spaces.
_MINOR_FAULTS, _MAJOR_FAULTS = 7, 9


@dataclasses.dataclass(frozen=True)
class Counters:
    """Counts of this process and of its living descendants.

    Attributes:
      cpu_s: seconds of all threads, in user code and in the kernel.
      page_faults: pages that the kernel had to supply.
      read_bytes: bytes that were read from files and sockets, cached or not.
    """

    cpu_s: float
    page_faults: int
    read_bytes: int

    def __sub__(self, before: Counters) -> Counters:
        return Counters(
            self.cpu_s - before.cpu_s,
            self.page_faults - before.page_faults,
            self.read_bytes - before.read_bytes,
        )


def read() -> Counters:
    """The counts up to now.

    A descendant that ends between two readings is missing in their difference, and its
    times are exact to 10 ms only. Bytes are 0 where the kernel does not tell them.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    this = psutil.Process()
    cpu_s = usage.ru_utime + usage.ru_stime
    page_faults = usage.ru_minflt + usage.ru_majflt
    read_bytes = _read_bytes(this)
    for process in this.children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            times = process.cpu_times()
            cpu_s += times.user + times.system
            page_faults += _page_faults(process.pid)
            read_bytes += _read_bytes(process)
    return Counters(cpu_s, page_faults, read_bytes)


def peak_mib() -> int:
    """The most memory that this process and its living descendants had, in MiB.

    Each one's own peak; pages that they share are counted for each.
    """
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            # One that has just ended has a status without it.
            peaks = [line for line in status.splitlines() if line.startswith("VmHWM:")]
            kib += sum(int(peak.split()[1]) for peak in peaks)
    return kib >> 10


def _page_faults(process_id: int) -> int:
    stat = pathlib.Path(f"/proc/{process_id}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return int(fields[_MINOR_FAULTS]) + int(fields[_MAJOR_FAULTS])


def _read_bytes(process: psutil.Process) -> int:
    try:
        return int(process.io_counters().read_chars)
    except (psutil.Error, OSError, AttributeError):
        return 0
