"""Live `transformers` models with random weights of their own."""

from __future__ import annotations


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
