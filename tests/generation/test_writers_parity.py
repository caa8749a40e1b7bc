"""Models that write beside those of ``transformers``, both ways, and what both write."""

from __future__ import annotations

import numpy as np
import pytest
from writers import END, PAD, PUBLISHED, inputs_of, rows, tiny_writer, with_segments

from keras_bert_zoo import bundle
from keras_bert_zoo.checkpoints.tables.writers import tied_copies, writer_tables
from keras_bert_zoo.checkpoints.tensors import LazyTensor
from keras_bert_zoo.checkpoints.writers import closed
from keras_bert_zoo.generation import generate

pytestmark = pytest.mark.parity
LONGEST = 20
MADE = ("pooler", "embed_positions")


@pytest.fixture(scope="module", params=PUBLISHED)
def pair(request, tmp_path_factory):
    """A model of ours, and that of theirs which reads what ours saved."""
    import transformers

    ours = tiny_writer(request.param)
    directory = tmp_path_factory.mktemp("writer") / "bundle"
    bundle.save(ours, None, directory)
    kind = {"causal_lm": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}[ours.task]
    theirs, report = getattr(transformers, kind).from_pretrained(
        directory, attn_implementation="eager", output_loading_info=True
    )
    # Which they make themselves: a pooler that nothing reads, and sines.
    missing = [name for name in report["missing_keys"] if not any(n in name for n in MADE)]
    assert not missing and not report["unexpected_keys"]
    return ours, theirs.eval()


def tensors(arrays):
    import torch

    return {name: torch.from_numpy(x).long() for name, x in arrays.items()}


def test_logits(pair):
    import torch

    ours, theirs = pair
    arrays = inputs_of(ours)
    with torch.no_grad():
        expected = theirs(**tensors(arrays)).logits.numpy()
    found = np.asarray(ours(arrays)["logits"])
    real = arrays.get("decoder_attention_mask", arrays["attention_mask"]) > 0
    np.testing.assert_allclose(found[real], expected[real], rtol=1e-5, atol=1e-5)


def test_what_they_save_is_read(pair, tmp_path):
    ours, theirs = pair
    theirs.save_pretrained(tmp_path)
    again = bundle.load(tmp_path).model
    arrays = inputs_of(ours)
    np.testing.assert_array_equal(*(np.asarray(m(arrays)["logits"]) for m in (ours, again)))


def test_gradients(pair):
    import keras
    import tensorflow as tf
    import torch

    ours, theirs = pair
    arrays = inputs_of(ours)
    written = "decoder_" if ours.task == "seq2seq" else ""
    mask = arrays[f"{written}attention_mask"]
    labels = np.where(
        np.roll(mask, -1, axis=1), np.roll(arrays[f"{written}input_ids"], -1, 1), -100
    )
    labels[:, -1] = -100
    loss_of = ours.losses_by_output()["logits"]
    with tf.GradientTape() as tape:
        loss = loss_of(labels, ours(arrays)["logits"])
    variables = {variable.path: variable.value for variable in ours.weights}
    gradients = tape.gradient(loss, variables)
    logits = theirs(**tensors(arrays)).logits
    goals = torch.from_numpy(labels).long().flatten()
    theirs.zero_grad()
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), goals).backward()
    expected = {
        name: parameter.grad.numpy()
        for name, parameter in theirs.named_parameters()
        if parameter.grad is not None and not any(each in name for each in MADE)
    }

    tables = writer_tables(ours.config)
    found = closed(
        {
            row.tensor: LazyTensor(value.dtype, value.shape, lambda value=value: value)
            for row in tables.body
            for value in [keras.ops.convert_to_numpy(gradients[row.variable])]
            for value in [value.T if row.transposed else value]
        }
    )
    named = {tables.prefix + name: tensor.read() for name, tensor in found.items()}
    # They have what is tied twice, and a gradient of each.
    for copy, name in tied_copies(ours.config).items():
        expected[name] = expected[name] + expected.pop(copy)
    # Of some, a word's bias is no parameter.
    assert set(named) - set(expected) <= {"final_logits_bias"}
    for name, value in expected.items():
        np.testing.assert_allclose(named[name], value, rtol=1e-4, atol=2e-6, err_msg=name)


OPTIONS = {
    "greedy": {},
    "no repeated pairs": {"no_repeat_ngram_size": 2},
    "no repeated tokens": {"no_repeat_ngram_size": 1},
    "not too short": {"min_new_tokens": 6},
    "beams": {"num_beams": 4},
    "long beams": {"num_beams": 3, "length_penalty": 2.0, "no_repeat_ngram_size": 3},
    "short beams": {"num_beams": 3, "length_penalty": -1.0, "early_stopping": "never"},
    "first beams": {"num_beams": 3, "early_stopping": True, "num_return_sequences": 2},
    "unbounded beams": {"num_beams": 2, "early_stopping": "never", "length_penalty": 0.5},
    "many beams": {"num_beams": 9, "min_new_tokens": 3, "num_return_sequences": 9},
}


@pytest.mark.parametrize("limit", [1, 2, LONGEST])
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_written(pair, name, limit):
    ours, theirs = pair
    options = OPTIONS[name] | {"max_new_tokens": limit}
    if options.get("min_new_tokens", 0) >= limit:
        pytest.skip("shorter than the shortest")
    if options.get("no_repeat_ngram_size") == 1 and ours.task == "causal_lm":
        pytest.skip("theirs takes the padding before a prompt for a token of it")
    arrays = rows()
    prompts = tensors(arrays)
    if ours.task == "causal_lm":
        # They want padding before.
        width = arrays["input_ids"].shape[1]
        shift = (np.arange(width) - (width - arrays["attention_mask"].sum(axis=1))[:, None]) % width
        prompts = tensors({k: np.take_along_axis(x, shift, axis=1) for k, x in arrays.items()})
    written = theirs.generate(
        **prompts, **options, do_sample=False, pad_token_id=PAD, eos_token_id=END
    ).numpy()
    begun = arrays["input_ids"].shape[1] if ours.task == "causal_lm" else 1
    expected = np.full((len(written), limit), PAD)
    expected[:, : written.shape[1] - begun] = written[:, begun:]
    # Compiling takes longer than all else; the program is the same.
    compiled = limit == LONGEST and name in ("greedy", "long beams")
    found = generate(ours, with_segments(ours, arrays), **options, jit_compile=compiled)
    assert found.tolist() == expected.tolist()
