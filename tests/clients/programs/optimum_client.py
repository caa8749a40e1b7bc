"""Prints what optimum's classes say to texts, for each main output and directory."""

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


def answer(output: str, directory: str, texts: list[str]) -> dict:
    """The main output and the labels, given nothing but the directory."""
    model = CLASSES[output].from_pretrained(directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    with torch.no_grad():
        outputs = model(**tokenizer(texts, padding=True, return_tensors="pt"))
    return {"values": outputs[output].tolist(), "labels": model.config.id2label}


requests, texts = json.loads(sys.argv[1])
answers = [answer(*request, texts) for request in requests]
print()
print(json.dumps(answers))
