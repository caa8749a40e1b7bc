"""Writing: which tokens follow, one after the other, from a model's scores of the next.

Shapes are written with one legend: ``B`` rows, ``K`` beams, ``V`` words of the vocabulary, ``P``
tokens of what a text begins with, ``T`` of what may be written, ``L`` both together.
"""

from keras_bert_zoo.generation.generate import generate
from keras_bert_zoo.generation.options import GenerationOptions

__all__ = ["GenerationOptions", "generate"]
