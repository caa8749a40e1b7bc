"""Live `transformers` models with random weights of their own."""

from __future__ import annotations

import numpy as np

from keras_bert_zoo.checkpoints import tables


def reference(name, config, **choices):
    """A model of that class; every weight differs from the fresh one, biases and scales too."""
    import torch
    import transformers

    values = {**config.to_dict(), **choices}
    config = transformers.BertConfig(attn_implementation="eager", **values)
    model = getattr(transformers, name)(config).eval()
    generator = torch.Generator().manual_seed(7)
    for path, parameter in model.named_parameters():
        noise = 0.2 * torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(noise + ("LayerNorm.weight" in path))
    return model


def torch_inputs(batch):
    """Arrays by name as tensors of integers."""
    import torch

    return {name: torch.from_numpy(values).long() for name, values in batch.items()}


def gradients_by_variable(model, loss, tape):
    """Arrays by the path of the trainable variable, sparse ones made dense."""
    import tensorflow as tf

    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    return {
        variable.path: tf.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(variables, gradients, strict=True)
    }


def check_gradients(model, ours, theirs, task=None):
    """Every trainable variable of `model` has the gradient of the tensor its table names.

    `ours`: arrays by path of the variable. `theirs`: torch's gradients by name of the tensor.
    """
    task = task or model.task
    architecture = tables.architecture(model.config.model_type)
    rows = architecture.rows(model.config, pooler=any("pooler" in path for path in ours), task=task)
    assert {row.variable for row in rows} == set(ours)
    assert {architecture.stored(row, task) for row in rows} == set(theirs)
    for row in rows:
        wanted = theirs[architecture.stored(row, task)].numpy()
        found = ours[row.variable].T if row.transposed else ours[row.variable]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5, err_msg=row.variable)


def gradients_of(model):
    """torch's gradients by name of the parameter, after `backward`."""
    return {name: parameter.grad for name, parameter in model.named_parameters()}
