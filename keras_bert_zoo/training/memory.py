"""How much memory an encoder takes to answer and to learn, estimated from its sizes.

In float32, above what the framework itself takes, on the TensorFlow backend with the graphs that
``predict`` and ``fit`` run. Processes with small models took 0.97 to 1.46 times as much; a test
holds them to a factor of 1.6. Most is missed where the table of words outweighs all else: its
update has copies of it. The graph of a training step is not counted: with one short row it took
140 MB of a BERT of four layers, 280 MB of a MobileBERT. What a token takes is given for BERT;
``families`` has it for others.
"""

from __future__ import annotations

from keras_bert_zoo.config import EncoderConfig

_FLOAT = 4  # bytes


def inference_bytes(config: EncoderConfig, batch: int, length: int) -> int:
    """Weights, and the numbers that the widest moment of a block holds at the same time.

    ``4 P + 4 B S max(6 H + 2 N S, 2 H + 3 I)`` bytes, of ``P`` weights, ``B`` rows of ``S``
    tokens, ``N`` heads, and the widths ``H`` of the hidden states and ``I`` of the feed-forward
    layer: in attention the block's input, queries, keys, values, two copies that are transposed,
    and scores before and after the softmax; behind it the input, its copy and three steps of GELU.

    Args:
        config: of the encoder.
        batch: rows in a call.
        length: tokens in a row.
    """
    token = config.choices.answering(config, length)
    return round(_FLOAT * (config.parameters + batch * length * token))


def training_bytes(config: EncoderConfig, batch: int, length: int) -> int:
    """Weights, gradients, AdamW's two moments, and what blocks keep for their gradients.

    ``16 P + 4 B S (L + 1) (8.5 H + 3 I + 2.25 N S)`` bytes, letters as above and ``L`` blocks; one
    more counts for the gradients of the block that is on its turn. With dropout a block keeps of a
    token: queries, keys, values, context, two normalised sums and two normalisations (8 ``H``), two
    masks of a byte for four (0.5 ``H``); GELU's result and the two factors of its derivative (3
    ``I``); probabilities before and after dropout, and its mask (2.25 ``N S``; where layers see the
    near tokens alone, as many as the mean layer sees).

    Args:
        config: of the encoder.
        batch: rows in a step.
        length: tokens in a row.
    """
    kept = config.choices.learning(config, length)
    activations = batch * length * (config.num_hidden_layers + 1) * kept
    return round(_FLOAT * (4 * config.parameters + activations))
