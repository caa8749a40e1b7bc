"""Prints what OpenVINO makes of ids."""

import json
import sys

import numpy as np
import openvino

output, file, ids = json.loads(sys.argv[1])
# Its own choice may be bfloat16.
model = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
results = model({name: np.array(value, "int64") for name, value in ids.items()})
print(json.dumps(results[output].tolist()))
