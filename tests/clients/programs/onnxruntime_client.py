"""Prints what onnxruntime makes of ids."""

import json
import sys

import numpy as np
import onnxruntime

output, file, ids = json.loads(sys.argv[1])
session = onnxruntime.InferenceSession(file)
(result,) = session.run([output], {name: np.array(value, "int64") for name, value in ids.items()})
print(json.dumps(result.tolist()))
