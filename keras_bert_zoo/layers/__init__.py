"""The pieces encoders are made of; ``keras.ops`` only, so they run on every Keras backend.

Shapes are written with one legend: ``B`` batch, ``S`` sequence, ``N`` attention heads,
``D`` head size, ``H`` hidden size (``N * D``), ``I`` intermediate size.
"""

from keras_bert_zoo.layers.attention import (
    AttentionBias,
    Causal,
    SameDocument,
    SelfAttention,
)
from keras_bert_zoo.layers.block import Block, EncoderBlock
from keras_bert_zoo.layers.bottleneck import BottleneckBlock
from keras_bert_zoo.layers.crf import LinearChainCRF
from keras_bert_zoo.layers.decoder_block import DecoderBlock, Kept
from keras_bert_zoo.layers.disentangled import DisentangledBlock
from keras_bert_zoo.layers.distances import Distances
from keras_bert_zoo.layers.embeddings import Embeddings
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.masked_lm import MaskedLMHead
from keras_bert_zoo.layers.normalization import LayerNorm, NoNorm
from keras_bert_zoo.layers.pooler import Pooler
from keras_bert_zoo.layers.pooling import FirstNumbers, SentencePooling
from keras_bert_zoo.layers.prenorm_block import PreNormBlock
from keras_bert_zoo.layers.relative_positions import RelativePositions
from keras_bert_zoo.layers.replaced_tokens import ReplacedTokenHead, SampledWords
from keras_bert_zoo.layers.rotary import Rotations
from keras_bert_zoo.layers.sentence_positions import SentencePositions
from keras_bert_zoo.layers.text_sets import RowsToSets, SetsToRows
from keras_bert_zoo.layers.trigram import TrigramEmbeddings
from keras_bert_zoo.layers.window import Window

__all__ = [
    "AttentionBias",
    "Block",
    "BottleneckBlock",
    "Causal",
    "DecoderBlock",
    "DisentangledBlock",
    "Distances",
    "Embeddings",
    "EncoderBlock",
    "FirstNumbers",
    "Kept",
    "LayerNorm",
    "Linear",
    "LinearChainCRF",
    "MaskedLMHead",
    "NoNorm",
    "Pooler",
    "PreNormBlock",
    "RelativePositions",
    "ReplacedTokenHead",
    "Rotations",
    "RowsToSets",
    "SameDocument",
    "SampledWords",
    "SelfAttention",
    "SentencePooling",
    "SentencePositions",
    "SetsToRows",
    "TrigramEmbeddings",
    "Window",
]
