"""Prints what optimum's classes say to texts, each with nothing but the directory's name."""

import json
import sys

import torch
from optimum.onnxruntime import (
    ORTModelForFeatureExtraction,
    ORTModelForSequenceClassification,
)
from transformers import AutoTokenizer

CLASSES = {
    "logits": ORTModelForSequenceClassification,
    "last_hidden_state": ORTModelForFeatureExtraction,
}
_, output, directory, texts = json.loads(sys.argv[1])
model = CLASSES[output].from_pretrained(directory)
tokenizer = AutoTokenizer.from_pretrained(directory)
with torch.no_grad():
    outputs = model(**tokenizer(texts, padding=True, return_tensors="pt"))
print()
print(json.dumps({"values": outputs[output].tolist(), "labels": model.config.id2label}))
