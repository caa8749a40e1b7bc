"""Prints what bare TensorFlow makes of ids, with nothing of tensorflow-text loaded."""

import json
import sys

import tensorflow as tf

output, model, ids = json.loads(sys.argv[1])
signature = tf.saved_model.load(model).signatures["ids"]
outputs = signature(**{name: tf.constant(value, "int32") for name, value in ids.items()})
print(json.dumps({"version": tf.__version__, "values": outputs[output].numpy().tolist()}))
