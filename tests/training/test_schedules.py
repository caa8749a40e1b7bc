from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.schedules import InverseSquareRoot, Phases, WarmupDecay


def test_first_step_peak_and_end():
    schedule = WarmupDecay(2.0, warmup_steps=4, total_steps=10)
    rates = [float(schedule(step)) for step in range(12)]
    np.testing.assert_allclose(rates[:5], [0.0, 0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(rates[5:10], [2.0 * (10 - step) / 6 for step in range(5, 10)])
    assert rates[10] == rates[11] == 0.0


def test_without_warmup_it_starts_at_the_peak():
    assert float(WarmupDecay(2.0, 0, 10)(0)) == 2.0


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_constant_after_the_warm_up():
    schedule = WarmupDecay(2.0, 4, 10, power=0)
    assert rates(schedule, range(13)) == [0.0, 0.5, 1.0, 1.5, *[2.0] * 9]


def test_powers_and_an_end_that_is_not_0():
    schedule = WarmupDecay(2.0, 4, 10, power=2, end=0.02)
    wanted = [2.0 * (0.02 + 0.98 * ((10 - step) / 6) ** 2) for step in range(4, 11)]
    np.testing.assert_allclose(rates(schedule, range(4, 11)), wanted, rtol=1e-6)
    assert rates(schedule, [11, 100]) == pytest.approx([0.04, 0.04])


def test_one_cycle():
    schedule = WarmupDecay(1.0, 4, 8)
    assert rates(schedule, range(9)) == [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]


def test_each_phase_rises_anew():
    phases = [WarmupDecay(6.0, 3, 10), WarmupDecay(4.0, 2, 5, end=0.5), WarmupDecay(1.0, 0, 4)]
    wanted = [
        *rates(phases[0], range(10)),
        *rates(phases[1], range(5)),
        *rates(phases[2], range(9)),
    ]
    assert rates(Phases(phases), range(24)) == wanted
    with pytest.raises(ValueError, match="at least one WarmupDecay"):
        Phases([])


@pytest.mark.parametrize("arguments", [(1.0, 5, 4), (1.0, -1, 4), (1.0, 0, 0), (-1.0, 0, 4)])
def test_impossible_runs_are_refused(arguments):
    with pytest.raises(ValueError, match="warmup_steps"):
        WarmupDecay(*arguments)


@pytest.mark.parametrize("arguments", [{"power": -1.0}, {"end": 1.5}, {"end": float("nan")}])
def test_impossible_shapes_are_refused(arguments):
    with pytest.raises(ValueError, match="finite power >= 0 and an end"):
        WarmupDecay(1.0, 1, 4, **arguments)


@pytest.mark.parametrize(
    "schedule",
    [WarmupDecay(2.0, 4, 10, power=0.5, end=0.1), Phases([WarmupDecay(2.0, 4, 10)] * 2)],
    ids=["decay", "phases"],
)
def test_serialises(schedule):
    serialised = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(serialised)
    assert again.get_config() == schedule.get_config()
    assert rates(again, range(20)) == rates(schedule, range(20))


@pytest.mark.parity
def test_powers_equal_transformers():
    import torch
    import transformers

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
    theirs = transformers.get_polynomial_decay_schedule_with_warmup(
        optimizer, 5, 20, lr_end=3e-5, power=2.0
    )
    ours = WarmupDecay(3e-4, 5, 20, power=2.0, end=0.1)
    for step in range(22):
        np.testing.assert_allclose(float(ours(step)), theirs.get_last_lr()[0], rtol=1e-6)
        optimizer.step()
        theirs.step()


@pytest.mark.parity
@pytest.mark.parametrize("warmup", [0, 1, 7, 20])
def test_equals_transformers(warmup):
    import torch
    import transformers

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
    theirs = transformers.get_linear_schedule_with_warmup(optimizer, warmup, 20)
    ours = WarmupDecay(3e-4, warmup, 20)
    for step in range(21):
        np.testing.assert_allclose(float(ours(step)), theirs.get_last_lr()[0], rtol=1e-6)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize(
    ("scale", "warmup"), [(512**-0.5, 4000), (2e-3, 20_000), (0.1, 10_000), (1.0, 1)]
)
def test_the_root_is_equation_3(scale, warmup):
    schedule = InverseSquareRoot(scale, warmup)
    numbers = [1, 2, warmup - 1 or 1, warmup, warmup + 1, 10 * warmup, 200_000]
    wanted = [scale * min(n**-0.5, n * warmup**-1.5) for n in numbers]
    # Keras counts updates from 0.
    np.testing.assert_allclose(rates(schedule, [n - 1 for n in numbers]), wanted, rtol=1e-6)
    assert max(wanted) == pytest.approx(scale * warmup**-0.5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert again.get_config() == schedule.get_config()


def test_a_root_needs_a_warm_up():
    with pytest.raises(ValueError, match="warmup_steps of at least 1"):
        InverseSquareRoot(1.0, 0)
