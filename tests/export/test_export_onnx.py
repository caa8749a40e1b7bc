"""What only ONNX has: a second file for the weights, integers, onnxruntime's operators."""

from __future__ import annotations

import collections
import json
import types

import numpy as np
import pytest

from keras_bert_zoo.export import process
from keras_bert_zoo.export.artifact import Artifact, describe
from keras_bert_zoo.export.errors import ExportError, MissingRuntime
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.onnx import blocks as onnx_blocks
from keras_bert_zoo.export.onnx import file as onnx_file
from keras_bert_zoo.export.onnx import writer as onnx

ONNX = {name: row for name, row in FORMATS.items() if row.module == "onnx.writer"}


def run(path, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    long = {name: value.astype("int64") for name, value in inputs.items()}
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, long), strict=True))


def operators(path):
    import onnx as library

    model = library.load(path, load_external_data=False)
    return collections.Counter(node.op_type for node in model.graph.node)


def expected(model, inputs):
    return {name: np.asarray(value) for name, value in model(inputs, training=False).items()}


@pytest.mark.parametrize("name", ONNX)
def test_weights_beside_the_model_give_the_same_numbers(
    artifacts, keras_bundle, encode, texts, tmp_path, name
):
    import onnx as library

    file = tmp_path / ONNX[name].file
    # Far below protobuf's limit, and below the weights of the tiny model.
    signatures = onnx.export(keras_bundle, file, limit=10_000, **ONNX[name].arguments)
    library.checker.check_model(str(file), full_check=True)
    inputs = encode(texts)
    inside, beside = run(artifacts[name].file, inputs), run(file, inputs)
    np.testing.assert_array_equal(inside["logits"], beside["logits"])
    describe(tmp_path, name, None, signatures, {}, "")
    data = onnx_file.data_path(file)
    assert data.name == f"{file.name}_data"
    assert Artifact.load(tmp_path).size == file.stat().st_size + data.stat().st_size
    # Pages are 4096 bytes, so a tiny weight takes more in a file of its own.
    assert data.stat().st_size > 10_000


def test_config_tells_transformers_js_which_file_to_load(artifacts):
    suffixes = {"fp32": "", "fp16": "_fp16", "q8": "_quantized", "q4": "_q4"}
    for name in ONNX:
        config = json.loads((artifacts[name].path / "config.json").read_text())
        found = config["transformers.js_config"]
        assert artifacts[name].file.name == f"model{suffixes[found['dtype']]}.onnx"
        assert found["use_external_data_format"] is False
        # A classifier is no sentence encoder.
        assert not (artifacts[name].path / "modules.json").exists()
    assert "transformers.js_config" not in (artifacts["tflite"].path / "config.json").read_text()


def test_file_is_what_protobuf_would_write(artifacts):
    import onnx as library

    for name in ONNX:
        content = artifacts[name].file.read_bytes()
        model = library.load_from_string(content)
        assert model.ByteSize() == len(content)
        assert not {t.name for t in model.graph.initializer} & {e.name for e in model.graph.input}


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "int4"])
def test_tied_weights_are_stored_once(encoder, make_batch, randomise, tmp_path, precision):
    import onnx as library

    model = randomise(_masked_language_model(encoder), 9)
    file, inputs = tmp_path / "model.onnx", make_batch()
    onnx.export(types.SimpleNamespace(model=model), file, precision=precision)
    stored = library.load(file).graph.initializer
    table = next(weight for weight in model.weights if "word_embeddings" in weight.path)
    alike = [t.name for t in stored if sorted(t.dims) == sorted(table.shape)]
    assert alike == [table.path + ("_quantized" if precision.startswith("int") else "")]
    theirs, ours = expected(model, inputs)["logits"], run(file, inputs)["logits"]
    # In shares of the spread, which is that of a product over 24 inputs.
    largest = {"float32": 1e-5, "float16": 1e-2, "int8": 0.2, "int4": 0.6}[precision]
    assert np.abs(ours - theirs).max() < largest * theirs.std()


def _masked_language_model(encoder):
    """An encoder whose word table is also its output projection."""
    import keras

    from keras_bert_zoo.models import BertEncoder

    encoder = BertEncoder(encoder.config, add_pooling_layer=False)
    table = encoder.get_layer("embeddings").word

    class Decoder(keras.layers.Layer):
        def call(self, hidden):
            flat = keras.ops.reshape(hidden, (-1, hidden.shape[-1]))
            logits = keras.ops.matmul(flat, keras.ops.transpose(table))
            return keras.ops.reshape(logits, (*keras.ops.shape(hidden)[:2], table.shape[0]))

    hidden = encoder.output["last_hidden_state"]
    return keras.Model(encoder.input, {"logits": Decoder(name="decoder")(hidden)})


def test_blocks_are_fused_but_the_attention_of_one_token(artifacts):
    counts = operators(artifacts["onnx-fused"].file)
    found = [counts[kind] for kind in ("Attention", "SkipLayerNormalization", "BiasGelu")]
    # The embeddings are normalised by one more.
    assert found == [1, 2 * 2 + 1, 2]
    assert (counts["Softmax"], counts["Erf"], counts["LayerNormalization"]) == (1, 0, 0)


@pytest.mark.parametrize("mask", [(0, 0, 1, 1, 1), (1, 0, 1, 0, 1), (1, 1, 1, 0, 0)])
@pytest.mark.parametrize("name", ["onnx", "onnx-fused"])
def test_masks_of_any_form(artifacts, keras_bundle, name, mask):
    ids = np.array([[2, 30, 31, 32, 3]], "int32")
    inputs = {"input_ids": ids, "attention_mask": np.array([mask], "int32")}
    inputs["token_type_ids"] = np.zeros_like(ids)
    logits = run(artifacts[name].file, inputs)["logits"]
    theirs = expected(keras_bundle.model, inputs)["logits"]
    np.testing.assert_allclose(logits, theirs, atol=1e-5)


def test_what_cannot_be_fused_is_refused(tiny_config, tmp_path):
    from keras_bert_zoo.models import BertEncoder

    config = tiny_config.replace(hidden_act="relu")
    bundle = types.SimpleNamespace(model=BertEncoder(config), config=config)
    with pytest.raises(ExportError, match=r"'BiasGelu': 0\} of 2 blocks.*hidden_act"):
        onnx.export(bundle, tmp_path / "model.onnx", fused=True)
    assert not list(tmp_path.iterdir())


def test_kernels_of_int8_are_those_of_onnxruntime(artifacts, tmp_path):
    import onnx as library
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        artifacts["onnx"].file,
        tmp_path / "theirs.onnx",
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    theirs, ours = (
        {t.name: library.numpy_helper.to_array(t) for t in library.load(path).graph.initializer}
        for path in (tmp_path / "theirs.onnx", artifacts["onnx-int8"].file)
    )
    # Those behind a normalisation are evened out first.
    kernels = [n for n in ours if n.endswith("kernel_quantized") and "intermediate" not in n]
    assert len(kernels) == 2 * 5 + 2
    for name in kernels:
        # A value in the middle between two steps may go either way.
        assert np.abs(ours[name].astype("int32") - theirs[name]).max() <= 1
        assert (ours[name] == theirs[name]).mean() > 0.99
        scale = name.replace("_quantized", "_scale")
        np.testing.assert_allclose(ours[scale], theirs[scale], rtol=1e-5)


def test_int8_keeps_no_table_in_float(artifacts):
    import onnx as library

    stored = library.load(artifacts["onnx-int8"].file).graph.initializer
    tables = [t for t in stored if t.name.startswith("embeddings/") and len(t.dims) == 2]
    assert {t.name.removesuffix("_quantized") for t in tables} == {
        f"embeddings/{kind}_embeddings" for kind in ("word", "position", "token_type")
    }
    assert {t.data_type for t in tables} == {library.TensorProto.INT8}


@pytest.mark.parametrize(("width", "block_size"), [(64, 16), (40, 32), (24, 32), (96, 32)])
def test_four_bits_are_unpacked_by_onnxruntime_as_meant(tmp_path, width, block_size):
    kernel = np.random.default_rng(1).normal(size=(width, 7)).astype("float32")
    packed, scales, zeros = onnx_blocks.four_bit(kernel, block_size)
    # The unit matrix asks for the kernel itself.
    restored = _multiplied(tmp_path, np.eye(width, dtype="float32"), packed, scales, zeros)
    steps = np.repeat(scales, block_size, axis=1)[:, :width].T
    error = np.abs(restored - kernel) / steps
    # Half a step, and what clipping 20 % of a range of 15 steps at one end takes.
    assert error.max() < 0.5 + 0.2 * 15
    assert (error <= 0.5 + 1e-3).mean() > 0.9


def _multiplied(directory, rows, packed, scales, zeros):
    import onnx as library
    from onnx import helper, numpy_helper

    arrays = {"packed": packed, "scales": scales, "zeros": zeros}
    sizes = {"K": rows.shape[1], "N": len(packed), "bits": 4, "block_size": 2 * packed.shape[2]}
    node = helper.make_node("MatMulNBits", ["x", *arrays], ["y"], domain="com.microsoft", **sizes)
    entries = [helper.make_tensor_value_info(name, 1, [None, None]) for name in "xy"]
    tensors = [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    graph = helper.make_graph([node], "product", entries[:1], entries[1:], tensors)
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=10)
    library.save(model, directory / "product.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(directory / "product.onnx")
    return session.run(None, {"x": rows})[0]


def test_zeros_stay_zeros():
    packed, scales, zeros = onnx_blocks.four_bit(np.zeros((32, 2), "float32"), 32)
    assert (packed == 0).all() and (scales == 1).all() and (zeros == 0).all()
    assert (onnx_blocks.eight_bit_scale(np.zeros((2, 3), "float32"), 0) == 1).all()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "tf2onnx"])
def test_missing_packages_name_the_extra(tmp_path, package):
    with pytest.raises(MissingRuntime, match=r"pip install keras-bert-zoo\[onnx\]"):
        process.call(onnx.export, None, tmp_path / "model.onnx", hide=(package,))
