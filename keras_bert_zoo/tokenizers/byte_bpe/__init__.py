"""Byte-level BPE tokenizers: RoBERTa, ModernBERT. TensorFlow-only."""

from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeOptions, ByteBpeSource
from keras_bert_zoo.tokenizers.byte_bpe.tokenizer import ByteBpeTokenizer

__all__ = ["ByteBpeOptions", "ByteBpeSource", "ByteBpeTokenizer"]
