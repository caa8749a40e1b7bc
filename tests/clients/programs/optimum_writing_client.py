"""Prints the ids that optimum writes, given a directory, ids to read and options."""

import json
import sys

import torch
from optimum.onnxruntime import ORTModelForSeq2SeqLM

(requests,) = json.loads(sys.argv[1])
answers = []
for directory, rows, options in requests:
    model = ORTModelForSeq2SeqLM.from_pretrained(directory)
    inputs = {name: torch.tensor(values) for name, values in rows.items()}
    answers.append(model.generate(**inputs, **options).tolist())
print()
print(json.dumps(answers))
