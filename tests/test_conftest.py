"""The tests' own surroundings."""

import signal

import pytest


def test_test_that_waits_for_ever_fails():
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    with pytest.raises(pytest.fail.Exception, match="has not ended"):
        signal.raise_signal(signal.SIGALRM)
