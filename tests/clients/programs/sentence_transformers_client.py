"""Prints the embeddings that sentence-transformers makes of texts."""

import json
import sys

from sentence_transformers import SentenceTransformer

_, directory, texts, options = json.loads(sys.argv[1])
model = SentenceTransformer(directory, backend="onnx", local_files_only=True, model_kwargs=options)
embeddings = model.encode(texts)
print()
print(json.dumps(embeddings.tolist()))
