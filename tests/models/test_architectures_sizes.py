"""What is counted from a config is what a built model has."""

from __future__ import annotations

import pytest
from architectures import VARIANTS, tiny

from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.families.choices import pooler_size
from keras_bert_zoo.models import encoder_of
from keras_bert_zoo.training.flops import forward_flops_per_token

OTHERS = [(kind, changes) for kind, _, changes in VARIANTS if kind == "mobilebert"]


@pytest.mark.parametrize(("kind", "changes"), [*((kind, {}) for kind in ARCHITECTURES), *OTHERS])
def test_kernels_tables_and_weights(kind, changes):
    config, pooler = tiny(kind, **changes), bool(ARCHITECTURES[kind].pooler)
    choices = config.choices
    model = encoder_of(config, add_pooling_layer=pooler)
    shapes = {variable.path: tuple(variable.shape) for variable in model.weights}
    kernels = {path: shape for path, shape in shapes.items() if path.endswith("/kernel")}
    inside = [shape for path, shape in kernels.items() if path.startswith("encoder/layer_")]
    outside = [shape for path, shape in kernels.items() if not path.startswith("encoder/layer_")]
    assert sorted(inside) == sorted(config.groups * choices.block_kernels(config))
    assert not pooler or sorted(outside) == sorted(choices.outer_kernels(config))
    tables = ("position_embeddings", "token_type_embeddings", "distances/table")
    numbers = [
        rows * width
        for path, (rows, width) in ((p, s) for p, s in shapes.items() if p.endswith(tables))
    ]
    assert sum(numbers) == choices.tables(config)
    assert config.parameters == model.count_params() + (0 if pooler else pooler_size(config))

    products = sum(inputs * outputs for inputs, outputs in choices.block_kernels(config))
    mixing = 2 * 16 * model.get_layer("layer_0").attention.num_heads
    mixing *= model.get_layer("layer_0").attention.head_size
    layers = config.num_hidden_layers
    assert forward_flops_per_token(config, 16) == 2 * layers * (products + mixing)
