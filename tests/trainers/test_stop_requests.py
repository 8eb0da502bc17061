import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from trainers.stop_requests import StopRequests

# Holds the interpreter in one instruction, as a step of TensorFlow does.
_IN_ONE_CALL = """
import hashlib
from trainers.stop_requests import StopRequests
with StopRequests() as requests:
    print("in", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1 << 27)
    print("received", requests.received)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with StopRequests() as requests:
        assert requests.received is None
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 5
        while requests.received is None:
            assert time.monotonic() < deadline
        assert requests.received == number
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_another_thread_changes_nothing():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter():
        with StopRequests():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


def test_no_thread_is_left():
    before = threading.active_count()
    for _ in range(20):
        with StopRequests():
            pass
    deadline = time.monotonic() + 5
    while threading.active_count() > before:
        assert time.monotonic() < deadline


def test_a_second_interrupt_ends_a_process_that_is_in_one_call():
    with subprocess.Popen(
        [sys.executable, "-c", _IN_ONE_CALL], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "in\n"
        begin = time.monotonic()
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert process.wait(5) == 130
        assert time.monotonic() - begin < 5
        assert process.stdout.read() == ""
