"""What two processes agree on is tested in `tests.faults.test_interrupted_training`."""

import pytest

from tests.conftest import mirrored
from trainers.agreement import make_agreement


@pytest.mark.parametrize("answer", [False, True])
def test_the_replicas_of_one_process_have_nothing_to_agree_on(answer):
    assert make_agreement(mirrored(2))(answer) is answer
