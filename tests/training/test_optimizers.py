from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from transcriptions import adamw

from keras_bert_zoo.training.optimizers import BertAdamW, clip_by_global_norm
from keras_bert_zoo.training.schedules import InverseSquareRoot, WarmupDecay

PATHS = ("query/kernel", "query/bias", "attention_norm/gamma", "embeddings/word_embeddings")
SHAPES = ((3, 4), (4,), (4,), (6, 4))
DECAYS = (True, False, False, True)
RATE, STEPS = 0.01, 7


def published(weights, gradients_per_step, rates, correct_bias=False):
    return adamw(weights, gradients_per_step, rates, DECAYS, correct_bias)


def make_problem(scale, dtype="float64"):
    rng = np.random.default_rng(3)
    starts = [rng.normal(size=shape) for shape in SHAPES]
    steps = [[scale * rng.normal(size=shape) for shape in SHAPES] for _ in range(STEPS)]
    variables = []
    for path, start in zip(PATHS, starts, strict=True):
        scope, name = path.split("/")
        with keras.name_scope(scope):
            variables.append(keras.Variable(start, dtype=dtype, name=name))
    return starts, steps, variables


@pytest.mark.parametrize("correct_bias", [False, True], ids=["published", "corrected"])
@pytest.mark.parametrize("scale", [0.001, 10.0], ids=["below the clip", "clipped"])
def test_every_step_is_the_published_one(scale, correct_bias):
    starts, steps, variables = make_problem(scale)
    optimizer = BertAdamW(RATE, correct_bias=correct_bias)
    for count, gradients in enumerate(steps, start=1):
        optimizer.apply([tf.constant(g) for g in gradients], variables)
        wanted = published(starts, steps[:count], [RATE] * count, correct_bias)
        for variable, value in zip(variables, wanted, strict=True):
            # Rates are float32 inside the optimizer.
            np.testing.assert_allclose(variable.numpy(), value, rtol=2e-6, atol=1e-9)


@pytest.mark.parity
def test_with_the_correction_it_is_that_of_torch():
    import torch

    starts, steps, variables = make_problem(0.01)
    parameters = [torch.nn.Parameter(torch.tensor(start)) for start in starts]
    groups = [
        {"params": [p], "weight_decay": 0.01 * decays}
        for p, decays in zip(parameters, DECAYS, strict=True)
    ]
    theirs = torch.optim.AdamW(groups, lr=RATE, eps=1e-6)
    ours = BertAdamW(RATE, correct_bias=True, clip=None)
    for gradients in steps:
        ours.apply([tf.constant(g) for g in gradients], variables)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        theirs.step()
        for variable, parameter in zip(variables, parameters, strict=True):
            # Rates are float32 inside the optimizer.
            wanted = parameter.detach().numpy()
            np.testing.assert_allclose(variable.numpy(), wanted, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"beta_1": 0.0}, {"beta_1": 0.0, "beta_2": 0.0}])
def test_betas_of_zero_need_no_correction(options):
    ends = []
    for correct_bias in (False, True):
        _, steps, variables = make_problem(0.01, "float32")
        optimizer = BertAdamW(RATE, correct_bias=correct_bias, **{"beta_2": 0.0, **options})
        optimizer.apply([tf.constant(g, "float32") for g in steps[0]], variables)
        ends.append(variables[0].numpy())
    same = options.get("beta_1") == 0.0
    assert np.allclose(*ends, rtol=1e-6, atol=0) == same


def test_sparse_gradients_are_summed_before_the_norm():
    starts, steps, variables = make_problem(10.0)
    optimizer = BertAdamW(RATE)
    rows = np.array([1, 4, 1])
    dense_steps = []
    for gradients in steps:
        slices = gradients[3][rows]
        dense = np.zeros(SHAPES[3])
        np.add.at(dense, rows, slices)
        dense_steps.append([*gradients[:3], dense])
        sparse = tf.IndexedSlices(tf.constant(slices), tf.constant(rows), SHAPES[3])
        optimizer.apply([*map(tf.constant, gradients[:3]), sparse], variables)
    wanted = published(starts, dense_steps, [RATE] * STEPS)
    for variable, value in zip(variables, wanted, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=2e-6, atol=1e-9)


def test_follows_a_schedule():
    starts, steps, variables = make_problem(1.0)
    optimizer = BertAdamW(WarmupDecay(0.02, 2, STEPS))
    for gradients in steps:
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    rates = [0.0, 0.01, *(0.02 * (STEPS - step) / (STEPS - 2) for step in range(2, STEPS))]
    for variable, value in zip(variables, published(starts, steps, rates), strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=2e-6, atol=1e-9)


def test_clip_none_and_a_norm_that_is_not_finite():
    gradients = [tf.constant([3.0, 4.0])]
    np.testing.assert_array_equal(clip_by_global_norm(gradients, None)[0], [3.0, 4.0])
    np.testing.assert_allclose(clip_by_global_norm(gradients, 1.0)[0], [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(clip_by_global_norm([tf.zeros(2)], 1.0)[0], [0.0, 0.0])
    assert np.isnan(clip_by_global_norm([tf.constant([np.inf, 1.0])], 1.0)[0]).all()


def test_decay_is_excluded_by_path():
    _, _, variables = make_problem(1.0)
    optimizer = BertAdamW(RATE)
    optimizer.build(variables)
    assert optimizer.decaying_paths() == [variables[0].path, variables[3].path]
    everything = BertAdamW(RATE, exclude=())
    everything.build(variables)
    assert len(everything.decaying_paths()) == len(variables)


def test_round_trip_of_the_configuration():
    schedule = WarmupDecay(1e-3, 3, 9)
    optimizer = BertAdamW(schedule, decay=0.05, clip=None, exclude=("bias",), correct_bias=True)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, BertAdamW)
    assert copy.get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", ["weight_decay", "clipnorm", "global_clipnorm", "clipvalue"])
def test_options_of_keras_that_would_act_twice_are_refused(name):
    with pytest.raises(ValueError, match=rf"decay and clip instead of .*{name}"):
        BertAdamW(**{name: 0.5})
    with pytest.raises(ValueError, match="exclude must be a list"):
        BertAdamW(exclude="bias")


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": -1e-5}, {"learning_rate": "1e-5"}, {"beta_1": 1.0}, {"beta_2": -0.1},
        {"epsilon": 0.0}, {"decay": float("nan")}, {"clip": 0},
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_named(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .* received {value!r}"):
        BertAdamW(**wrong)


def test_some_variables_have_a_rate_of_their_own():
    starts, steps, variables = make_problem(0.001)
    other = InverseSquareRoot(0.03, 4)
    whole = BertAdamW(RATE, other_rates={"^query/": other})
    optimizer = BertAdamW.from_config(whole.get_config())
    for gradients in steps:
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    rates = [float(other(step)) for step in range(STEPS)]
    own, theirs = published(starts, steps, [RATE] * STEPS), published(starts, steps, rates)
    for variable, plain, root in zip(variables, own, theirs, strict=True):
        wanted = root if variable.path.startswith("query/") else plain
        # Rates are float32 inside the optimizer.
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=2e-6, atol=1e-9)
