"""Prints what an encoder and decoder say that share their weights, and saves them again."""

import json
import sys

import safetensors
import torch
from transformers import EncoderDecoderModel

directory, rows = json.loads(sys.argv[1])
model = EncoderDecoderModel.from_pretrained(directory).eval()
inputs = {name: torch.tensor(values) for name, values in rows.items()}
with torch.no_grad():
    logits = model(**inputs).logits
layers = model.encoder.encoder.layer[0], model.decoder.bert.encoder.layer[0]
weights = [layer.output.dense.weight for layer in layers]
again = f"{directory}-again"
model.save_pretrained(again)
with safetensors.safe_open(f"{again}/model.safetensors", "pt") as file:
    stored = list(file.keys())
print()
print(json.dumps({"logits": logits.tolist(), "ties": weights[0] is weights[1], "stored": stored}))
