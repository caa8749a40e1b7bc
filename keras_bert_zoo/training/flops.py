"""How many floating-point operations a training step takes, and how many a card can do."""

from __future__ import annotations

from keras_bert_zoo.config import EncoderConfig

# Dense tensor-core rates with half-precision inputs, in operations a second, from NVIDIA's
# data sheets; the first name that is part of the device's counts.
_PEAKS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "V100": 125e12,
    "T4": 65e12,
}


def forward_flops_per_token(config: EncoderConfig, length: int) -> int:
    """Operations of the blocks of an encoder for each token of a full row; a product counts two.

    Args:
        config: of the encoder.
        length: tokens in a row.
    """
    choices = config.choices
    kernels = sum(inputs * outputs for inputs, outputs in choices.block_kernels(config))
    products = kernels + 2 * choices.keys_seen(config, length) * choices.width(config)
    return round(2 * config.num_hidden_layers * products)


def flops_per_token(config: EncoderConfig, length: int, predictions: int) -> float:
    """Operations of a training step for each token of a full row.

    The backward pass counts twice the forward one, as in PaLM (Chowdhery et al. 2022,
    arXiv:2204.02311, appendix B); recomputation does not count.

    Args:
        config: of the encoder.
        length: tokens in a row.
        predictions: places of a row that are projected on the vocabulary.
    """
    hidden = config.hidden_size
    transform = hidden * hidden if config.choices.word_head.get("transform", True) else 0
    head = 2 * (transform + hidden * config.vocab_size)
    return 3.0 * (forward_flops_per_token(config, length) + predictions / length * head)


def peak_flops(device_name: str) -> float | None:
    """The rate of a GPU by its name, or ``None`` for one this table does not know."""
    return next((rate for name, rate in _PEAKS.items() if name in device_name), None)
