"""Prints embeddings of texts by the model of each directory, and saves it again beside it."""

import json
import sys

from sentence_transformers import SentenceTransformer

directories, texts = json.loads(sys.argv[1])
models = [SentenceTransformer(directory, device="cpu") for directory in directories]
for directory, model in zip(directories, models, strict=True):
    model.save(f"{directory}-again")
print()
print(json.dumps([model.encode(texts).tolist() for model in models]))
