from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.schedules import WarmupLinearDecay


def test_first_step_peak_and_end():
    schedule = WarmupLinearDecay(2.0, warmup_steps=4, total_steps=10)
    rates = [float(schedule(step)) for step in range(12)]
    np.testing.assert_allclose(rates[:5], [0.0, 0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(rates[5:10], [2.0 * (10 - step) / 6 for step in range(5, 10)])
    assert rates[10] == rates[11] == 0.0


def test_without_warmup_it_starts_at_the_peak():
    assert float(WarmupLinearDecay(2.0, 0, 10)(0)) == 2.0


@pytest.mark.parametrize("arguments", [(1.0, 5, 4), (1.0, -1, 4), (1.0, 0, 0), (-1.0, 0, 4)])
def test_impossible_runs_are_refused(arguments):
    with pytest.raises(ValueError, match="warmup_steps"):
        WarmupLinearDecay(*arguments)


def test_serialises():
    schedule = WarmupLinearDecay(2.0, 4, 10)
    serialised = keras.optimizers.schedules.serialize(schedule)
    assert keras.optimizers.schedules.deserialize(serialised).get_config() == schedule.get_config()


@pytest.mark.parity
@pytest.mark.parametrize("warmup", [0, 1, 7, 20])
def test_equals_transformers(warmup):
    import torch
    import transformers

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
    theirs = transformers.get_linear_schedule_with_warmup(optimizer, warmup, 20)
    ours = WarmupLinearDecay(3e-4, warmup, 20)
    for step in range(21):
        np.testing.assert_allclose(float(ours(step)), theirs.get_last_lr()[0], rtol=1e-6)
        optimizer.step()
        theirs.step()
