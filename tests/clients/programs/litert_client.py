"""Prints what ai-edge-litert makes of the ids of each text, one at a time."""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

output, file, texts = json.loads(sys.argv[1])
run = Interpreter(model_path=file).get_signature_runner("ids")
rows = [{name: np.array(value, "int32") for name, value in ids.items()} for ids in texts]
print(json.dumps([run(**row)[output].tolist() for row in rows]))
