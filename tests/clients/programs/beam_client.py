"""Prepares a corpus on a pipeline: corpus, output, tokenizer, options, bytes of a unit."""

import functools
import json
import sys

from keras_bert_zoo.corpus import prepare
from keras_bert_zoo.corpus.beam import prepare_with_beam
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.reading import Reader

if __name__ == "__main__":
    corpus, output, tokenizer, options, unit = json.loads(sys.argv[1])
    # Small units, so that a small corpus has several shards.
    prepare.Reader = functools.partial(Reader, unit=unit)
    runner = ["--runner=DirectRunner"]
    made = PrepareOptions(**options)
    print(json.dumps(len(prepare_with_beam([corpus], output, tokenizer, made, arguments=runner))))
