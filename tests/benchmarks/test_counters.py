import mmap
import pathlib
import subprocess
import sys
import time

import psutil

from benchmarks import counters

CHILD = """
import sys
end = float(sys.argv[1])
import time
data = bytearray(64 << 20)
while time.process_time() < end:
    pass
print(len(open(sys.argv[2], "rb").read()), flush=True)
sys.stdin.read()
"""


def test_work_of_this_process_is_counted(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * (1 << 20))
    before = counters.read()
    start = time.process_time()
    while time.process_time() < start + 0.2:
        pass
    # Pages of its own: an array could get memory that was used before.
    with mmap.mmap(-1, 32 << 20) as pages:
        pages.write(b"x" * (32 << 20))
    path.read_bytes()
    used = counters.read() - before
    assert 0.2 <= used.cpu_s < 0.6
    # A page holds 4 kB, or 2 MB.
    assert used.page_faults >= 16
    assert used.read_bytes >= 1 << 20


def test_a_child_that_has_just_ended_is_no_trouble():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    child.stdin.write(b"\n")
    child.stdin.close()
    # Until its parent has asked how it ended, it is listed without memory.
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert counters.peak_mib() > 0
    assert counters.read().cpu_s > 0
    child.wait()


def test_work_of_children_is_counted():
    before = counters.read()
    command = [sys.executable, "-c", CHILD, "0.3", __file__]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    length = int(child.stdout.readline())
    used = counters.read() - before
    peak = counters.peak_mib()
    child.communicate(b"")
    assert length == pathlib.Path(__file__).stat().st_size
    assert used.cpu_s >= 0.25
    assert used.page_faults >= 32
    assert used.read_bytes >= length
    assert peak >= 64
