"""Prints the embeddings that sentence-transformers makes of texts, for each directory."""

import json
import sys

from sentence_transformers import SentenceTransformer

directories, texts = json.loads(sys.argv[1])
models = [SentenceTransformer(directory, backend="onnx") for directory in directories]
print()
print(json.dumps([model.encode(texts).tolist() for model in models]))
