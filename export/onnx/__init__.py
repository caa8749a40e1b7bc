"""ONNX files: the small graph is converted, and the weights are attached by name."""
