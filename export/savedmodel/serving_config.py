"""The three text files that a TensorFlow Serving process is started with.

``models.config`` says which models there are; it is merged, so that what an operator wrote
in it stays. The other two are written once, as a start to edit, and never touched again.
"""

from __future__ import annotations

import pathlib
from typing import Any

from keras_bert_zoo.atomic import write_text

from ..errors import ExportError, MissingRuntime

MODELS, BATCHING, MONITORING = "models.config", "batching_parameters.config", "monitoring.config"
_PLATFORM = "tensorflow"
# Not measured for any machine: an operator tunes them with examples/serving/load_test.py.
_BATCHING = """\
# Used with --enable_batching. Start values; tune them on your machine.
max_batch_size {{ value: {largest} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: 4 }}
# The server would pad with the first value of each row, and that is 1 for attention_mask:
# wrong scores without an error. Signatures of text need no padding; for `ids` send one length.
pad_variable_length_inputs: false
"""
_MONITORING = """\
prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }
"""


def with_model(tree: pathlib.Path, name: str, root: str) -> str | None:
    """Returns the new content of ``models.config``, or ``None`` if it lists the model.

    Args:
        tree: the directory with the file, if there is one.
        name: of the model.
        root: where a server sees the directory.

    Raises:
        ExportError: the file is there and is no ``ModelServerConfig``.
        MissingRuntime: tensorflow-serving-api is not installed.
    """
    from google.protobuf import text_format

    config = _read(tree / MODELS)
    if any(model.name == name for model in config.model_config_list.config):
        return None
    config.model_config_list.config.add(
        name=name, base_path=f"{root.rstrip('/')}/models/{name}", model_platform=_PLATFORM
    )
    return text_format.MessageToString(config)


def write_configs(tree: pathlib.Path, models: str | None, largest: int) -> None:
    """Writes the files that are not there yet, and ``models.config`` if it changed.

    Args:
        tree: the directory.
        models: what ``with_model`` returned.
        largest: batch that the server may form.
    """
    starts = {BATCHING: _BATCHING.format(largest=largest), MONITORING: _MONITORING}
    for file, content in starts.items():
        if not (tree / file).exists():
            write_text(tree / file, content)
    if models is not None:
        write_text(tree / MODELS, models)


def _read(path: pathlib.Path) -> Any:
    try:
        from tensorflow_serving.config import model_server_config_pb2
    except ImportError as error:
        raise MissingRuntime(
            f"Deploying needs tensorflow-serving-api ({error}). "
            "Try: pip install keras-bert-zoo[serving]"
        ) from error
    from google.protobuf import text_format

    config = model_server_config_pb2.ModelServerConfig()
    if path.exists():
        try:
            text_format.Parse(path.read_text(encoding="utf-8"), config)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise ExportError(
                f"{path} is no ModelServerConfig: {error}. Correct it, or move it away."
            ) from error
    return config
