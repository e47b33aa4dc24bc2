"""How much processor time did a piece of work take?"""

from __future__ import annotations

import threading

import pytest

from core.sandbox import metering


def test_what_sandboxes_used_is_counted_for_every_open_meter_of_the_thread() -> None:
    with metering.metered() as outer:
        metering.used(1.0)
        with metering.metered() as inner:
            metering.used(2.0)
    assert 2.0 <= inner.seconds <= outer.seconds - 1.0
    metering.used(5.0)
    assert outer.seconds < 5.0, "a meter that is closed counts nothing"


def test_a_meter_is_read_also_where_the_work_failed() -> None:
    with pytest.raises(ValueError), metering.metered() as meter:
        metering.used(0.5)
        raise ValueError
    assert meter.milliseconds >= 500


def test_another_thread_and_a_counter_that_went_back_count_nothing() -> None:
    with metering.metered() as meter:
        thread = threading.Thread(target=metering.used, args=[7.0])
        thread.start()
        thread.join()
        metering.used(-3.0)
    assert 0 <= meter.seconds < 7.0
