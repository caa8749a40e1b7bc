"""Writing with what is kept equals writing without; and what is refused."""

from __future__ import annotations

import functools
import math

import keras
import numpy as np
import pytest
from writers import CONFIGS, END, PAD, START, VOCAB, inputs_of, rows, tiny_writer, with_segments

from keras_bert_zoo import generation
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.generator_config import DecoderConfig, Seq2SeqConfig
from keras_bert_zoo.models import CausalLM, Decoder, encoder_decoder_of

LIMIT = 5
# Compiling takes longer than writing so little.
generate = functools.partial(generation.generate, jit_compile=False)


@pytest.fixture(scope="module", params=CONFIGS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return tiny_writer(kind)


def log_chances(model, arrays, row, texts):
    """Of the token after each of ``texts``, which are equally long, from the whole model."""
    count, length = len(texts), len(texts[0])
    rows = [row] * count
    source = {name: x[rows] for name, x in with_segments(model, arrays).items()}
    prefix, begun = "decoder_", [START]
    if model.task == "causal_lm":
        prefix, begun = "", arrays["input_ids"][row, : arrays["attention_mask"][row].sum()]
        segments = np.repeat([0, 1], [len(begun), length])[None].repeat(count, axis=0)
        kinds = {"token_type_ids": segments.astype("int32")}
        source = kinds if "token_type_ids" in model.input else {}
    ids = np.array([[*begun, *text] for text in texts], "int32")
    source |= {f"{prefix}input_ids": ids, f"{prefix}attention_mask": np.ones_like(ids)}
    logits = np.asarray(model(source)["logits"], "float64")[:, -1]
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def padded(text):
    return [*text, *[PAD] * (LIMIT - len(text))]


def greedy(model, arrays, row):
    text: list[int] = []
    while len(text) < LIMIT and text[-1:] != [END]:
        text.append(int(log_chances(model, arrays, row, [text])[0].argmax()))
    return padded(text)


def beam_search(model, arrays, row, beams, penalty):
    """The rules of ``beams``, with lists."""
    going, finished = [(0.0, [])], []
    for length in range(1, LIMIT + 1):
        chances = log_chances(model, arrays, row, [text for _, text in going])
        found = [
            (score + more, [*text, token])
            for (score, text), after in zip(going, chances, strict=True)
            for token, more in enumerate(after)
        ]
        best = sorted(found, key=lambda each: -each[0])[: 2 * beams]
        ends = [text[-1] == END or length == LIMIT for _, text in best]
        for (score, text), ended in list(zip(best, ends, strict=True))[:beams]:
            if ended:
                finished.append((score / length**penalty, text))
        finished = sorted(finished, key=lambda each: -each[0])[:beams]
        going = [each for each, ended in zip(best, ends, strict=True) if not ended][:beams]
        worst = finished[-1][0] if len(finished) == beams else -math.inf
        if not going or going[0][0] / length**penalty <= worst:
            break
    return [padded(text) for _, text in finished]


def test_kept_keys_and_values_change_nothing(model):
    arrays = rows()
    found = generate(model, with_segments(model, arrays), max_new_tokens=LIMIT)
    assert found.tolist() == [greedy(model, arrays, row) for row in range(len(found))]


# What each keeps is tested above; of these, beams move what others keep.
ALIKE = {"bert": "gpt2", "tied": "encoder-decoder", "pegasus": "marian"}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind in ALIKE)) for kind in CONFIGS],
    scope="module",
)
@pytest.mark.parametrize(
    ("beams", "penalty"), [(3, 1.0), pytest.param(4, 0.0, marks=pytest.mark.slow)]
)
def test_beams_are_those_of_a_plain_search(model, beams, penalty):
    arrays = rows()
    found = generate(
        model,
        with_segments(model, arrays),
        max_new_tokens=LIMIT,
        num_beams=beams,
        num_return_sequences=beams,
        length_penalty=penalty,
    )
    expected = [beam_search(model, arrays, row, beams, penalty) for row in range(3)]
    assert found.reshape(3, beams, LIMIT).tolist() == expected


@pytest.mark.parametrize("kind", [pytest.param("gpt2", marks=pytest.mark.slow), "encoder-decoder"])
def test_compiled_with_xla(kind):
    model = tiny_writer(kind)
    arrays = with_segments(model, rows())
    options = {"max_new_tokens": LIMIT, "num_beams": 2}
    found = generation.generate(model, arrays, **options)
    assert found.tolist() == generate(model, arrays, **options).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"do_sample": True, "seed": 2}])
def test_one_row_compiled_with_xla(options):
    model = tiny_writer("gpt2")
    arrays = {name: x[:1] for name, x in rows().items()}
    found = generation.generate(model, arrays, max_new_tokens=LIMIT, **options)
    assert found.tolist() == generate(model, arrays, max_new_tokens=LIMIT, **options).tolist()


def test_a_batch_writes_what_each_row_alone_does(model):
    arrays = with_segments(model, rows())
    together = generate(model, arrays, max_new_tokens=LIMIT)
    length = arrays["attention_mask"][1].sum()
    alone = {name: x[1:2, :length] for name, x in arrays.items()}
    assert generate(model, alone, max_new_tokens=LIMIT)[0].tolist() == together[1].tolist()


def test_tokens_do_not_see_what_follows(model):
    arrays = inputs_of(model)
    if "token_type_ids" in model.decoder.input:
        arrays["token_type_ids"] = arrays["attention_mask"]
    prefix = "decoder_" if model.task == "seq2seq" else ""
    changed = {name: x.copy() for name, x in arrays.items()}
    changed[f"{prefix}input_ids"][:, 2:] = 5
    before, after = (np.asarray(model(each)["logits"]) for each in (arrays, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert not np.allclose(before[:, 2:], after[:, 2:])


def test_packed_rows_are_separate_texts(model, kind):
    arrays = inputs_of(model)
    packed = tiny_writer(kind, packed=True)
    alone = np.asarray(model(arrays)["logits"])
    inputs = {}
    for name, values in arrays.items():
        prefix = name.removesuffix("input_ids").removesuffix("attention_mask")
        if name.endswith("token_type_ids"):
            inputs[name] = values.reshape(1, -1)
            continue
        numbers = np.arange(1, len(values) + 1)[:, None]
        inputs[name] = (values * (numbers if name.endswith("mask") else 1)).reshape(1, -1)
        places = np.broadcast_to(np.arange(values.shape[1]), values.shape)
        inputs[f"{prefix}position_ids"] = places.reshape(1, -1)
    together = np.asarray(packed({k: x.astype("int32") for k, x in inputs.items()})["logits"])
    mask = arrays.get("decoder_attention_mask", arrays["attention_mask"]) > 0
    np.testing.assert_allclose(
        together.reshape(alone.shape)[mask], alone[mask], rtol=1e-5, atol=1e-5
    )


def test_saved_as_keras_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    arrays = inputs_of(model)
    np.testing.assert_array_equal(*(np.asarray(each(arrays)["logits"]) for each in (model, again)))


def test_what_is_read_of_a_prefix_is_seen_from_both_sides():
    model = tiny_writer("prefix")
    arrays = inputs_of(model)
    changed = {name: x.copy() for name, x in arrays.items()}
    changed["input_ids"][:, 2] = 5
    read, written = {**changed}, {**changed, "token_type_ids": np.ones_like(arrays["input_ids"])}
    before = np.asarray(model(arrays)["logits"])[0, 0]
    assert not np.allclose(before, np.asarray(model(read)["logits"])[0, 0])
    same = {**arrays, "token_type_ids": written["token_type_ids"]}
    alone, after = (np.asarray(model(each)["logits"])[0, 0] for each in (same, written))
    np.testing.assert_array_equal(alone, after)


@pytest.fixture(scope="module")
def writer():
    return tiny_writer("gpt2")


@pytest.mark.slow
def test_training_changes_what_is_written():
    model = encoder_decoder_of(Seq2SeqConfig.from_dict({**CONFIGS["marian"], "dropout": 0.0}))
    arrays = {name: x[:, :5] for name, x in inputs_of(model).items()}
    wanted = np.array([[9, 8, 7, 6, END]] * 3)
    arrays["decoder_input_ids"] = np.concatenate([np.full((3, 1), START), wanted[:, :-1]], axis=1)
    arrays["decoder_attention_mask"] = np.ones_like(arrays["decoder_input_ids"])
    source = {name: arrays[name] for name in ("input_ids", "attention_mask")}
    before = generate(model, source, max_new_tokens=5)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    history = model.fit(arrays, {"logits": wanted}, epochs=40, verbose=0).history
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert generate(model, source, max_new_tokens=5).tolist() == wanted.tolist() != before.tolist()


def test_labels_to_ignore_count_in_no_loss(writer):
    arrays = inputs_of(writer)
    labels = np.roll(arrays["input_ids"], -1, axis=1)
    ignored = np.where(np.arange(9) < 3, labels, -100)
    loss = writer.losses_by_output()["logits"]
    logits = writer(arrays)["logits"]
    chances = keras.ops.convert_to_numpy(keras.ops.log_softmax(logits))[:, :3]
    expected = -np.take_along_axis(chances, labels[:, :3, None], axis=-1).mean()
    assert float(loss(ignored, logits)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_runs_of_tokens_occur_once(writer, size):
    arrays = rows()
    written = generate(writer, arrays, max_new_tokens=20, no_repeat_ngram_size=size)
    for row, text in enumerate(written.tolist()):
        begun = arrays["input_ids"][row, : arrays["attention_mask"][row].sum()].tolist()
        whole = begun + (text[: text.index(END) + 1] if END in text else text)
        starts = range(len(begun) - size + 1, len(whole) - size + 1)
        runs = [tuple(whole[i : i + size]) for i in range(len(whole) - size + 1)]
        assert all(runs.index(runs[start]) == start for start in starts if start >= 0)


@pytest.mark.parametrize(("kind", "beams"), [("gpt2", 1), ("encoder-decoder", 2)])
def test_runs_that_no_text_has_room_for_change_nothing(kind, beams):
    model = tiny_writer(kind)
    inputs, options = with_segments(model, rows()), {"max_new_tokens": 2, "num_beams": beams}
    wanted = generate(model, inputs, **options).tolist()
    # Longer than what is read and written together, and than there are positions.
    for size in (14, 10**9):
        assert generate(model, inputs, **options, no_repeat_ngram_size=size).tolist() == wanted


def test_tokens_that_are_suppressed_are_not_written(writer):
    first = generate(writer, rows(), max_new_tokens=4)
    banned = sorted({int(x) for x in first.ravel()})
    again = generate(writer, rows(), max_new_tokens=4, suppress_tokens=banned)
    assert not set(banned) & set(again.ravel().tolist())


def test_the_likeliest_of_one_is_the_likeliest(writer):
    drawn = generate(writer, rows(), max_new_tokens=6, do_sample=True, top_k=1)
    assert drawn.tolist() == generate(writer, rows(), max_new_tokens=6).tolist()


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_at_a_low_temperature_the_likeliest_is_drawn(writer, jit_compile):
    options = {"max_new_tokens": 4, "jit_compile": jit_compile, "suppress_tokens": [7]}
    wanted = generate(writer, rows(), **options).tolist()
    drawn = {**options, "do_sample": True, "seed": 1}
    for temperature in (2.0**-126, 1e-30):
        assert generate(writer, rows(), **drawn, temperature=temperature).tolist() == wanted


def test_tokens_are_drawn_as_often_as_they_are_likely(writer):
    arrays = {name: x[:1] for name, x in rows().items()}
    count = 4000
    options = {"do_sample": True, "num_return_sequences": count, "max_new_tokens": 1}
    chances = np.exp(log_chances(writer, arrays, 0, [[]])[0] / 0.8)
    chances /= chances.sum()
    kept = np.sort(chances)[::-1]
    nucleus = np.argsort(-chances)[: np.searchsorted(np.cumsum(kept), 0.9) + 1]
    for top_p, allowed in ((1.0, np.arange(VOCAB)), (0.9, nucleus)):
        drawn = generate(writer, arrays, **options, temperature=0.8, top_p=top_p, seed=3)[:, 0]
        assert set(drawn.tolist()) <= set(allowed.tolist())
        shares = chances[allowed] / chances[allowed].sum()
        found = np.array([(drawn == token).mean() for token in allowed])
        # Four standard deviations of each share, and of 61 none was seen beyond.
        assert (abs(found - shares) < 4 * np.sqrt(shares / count) + 1e-3).all()


def test_a_seed_decides(writer):
    options = {"do_sample": True, "max_new_tokens": 8}
    texts = [generate(writer, rows(), **options, seed=seed).tolist() for seed in (1, 1, 2, None)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[3] not in texts[:3]
    # However many are written beside it.
    first = {name: x[:1] for name, x in rows().items()}
    assert generate(writer, first, **options, seed=1).tolist() == texts[0][:1]


REFUSED = {
    "no tokens": ({"max_new_tokens": 0}, "max_new_tokens must be an integer of at least 1"),
    "no room": (
        {"max_new_tokens": 32},
        "at most 31, received 32: the decoder has 40 positions, and 9 of them",
    ),
    "too many beams": ({"num_beams": VOCAB + 1}, "at most the 61 words"),
    "beams that are drawn": ({"num_beams": 2, "do_sample": True}, "num_beams must be 1"),
    "more than there are": ({"num_return_sequences": 2}, "at most num_beams"),
    "too long at least": ({"min_new_tokens": 4}, "must be below max_new_tokens"),
    "temperature": ({"temperature": 0.0}, "temperature must be a positive number"),
    "cold": ({"temperature": 1e-40}, r"a positive number of float32, 1\.2e-38 to .* 1e-40"),
    "hot": ({"temperature": 1e39}, r"a positive number of float32, .* 1e\+39"),
    "nucleus": ({"top_p": 1.5}, r"top_p must be a number in \(0, 1\]"),
    "unknown": ({"eos_token_id": VOCAB}, r"must be from 0 to 60, received \[61\]"),
    "several": ({"eos_token_id": [1, 5]}, r"eos_token_id must be one id.*received \[1, 5\]"),
    "below all": ({"eos_token_id": -5}, r"must be from 0 to 60, received \[-5\]"),
    "suppressed": ({"suppress_tokens": [VOCAB]}, "must be from 0 to 60"),
    "all suppressed": ({"suppress_tokens": [*range(VOCAB)]}, "leaves no word"),
    "stopping": ({"early_stopping": "soon"}, "true, false or 'never'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_options_that_are_refused(writer, name):
    options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        generate(writer, rows(), **{"max_new_tokens": 4, **options})


def test_an_option_that_is_unknown(writer):
    with pytest.raises(TypeError, match=r"received 'num_beam'\. Did you mean 'num_beams'"):
        generate(writer, rows(), num_beam=2)


def test_a_model_that_does_not_write(writer):
    arrays = with_segments(writer, rows()) if hasattr(writer, "encoder") else rows()
    with pytest.raises(TypeError, match=r"must be an EncoderDecoder or a CausalLM, received a Dec"):
        generation.generate(writer.decoder, arrays)


def test_inputs_that_are_refused(writer):
    arrays = rows()
    with pytest.raises(TypeError, match=r"a dict with the keys .*ndarray"):
        generate(writer, arrays["input_ids"])
    with pytest.raises(ValueError, match=r"from 0 to 60, received 58 to .*own tokenizer"):
        generate(writer, {**arrays, "input_ids": arrays["input_ids"] + VOCAB - 3})
    with pytest.raises(ValueError, match="41 tokens a row, but positions end at 40"):
        generate(writer, rows((41, 3)))
    with pytest.raises(ValueError, match=r"\['attention_mask'\] are missing"):
        generate(writer, {"input_ids": arrays["input_ids"]})
    with pytest.raises(ValueError, match="at least one row and one token"):
        generate(writer, {name: x[:, :0] for name, x in arrays.items()})
    empty = np.where(np.arange(3)[:, None] == 1, 0, arrays["attention_mask"])
    with pytest.raises(ValueError, match="Row 1 of input_ids is empty"):
        generate(writer, {**arrays, "attention_mask": empty})
    mask = arrays["attention_mask"]
    with pytest.raises(ValueError, match=r"must be 1 for tokens and 0 for padding, received 2\."):
        generate(writer, {**arrays, "attention_mask": 2 * mask})
    with pytest.raises(ValueError, match=r"input_ids must be whole numbers, received \d+\.5"):
        generate(writer, {**arrays, "input_ids": arrays["input_ids"] + 0.5})
    with pytest.raises(ValueError, match=r"input_ids must be whole numbers, as many in each row"):
        generate(writer, {**arrays, "input_ids": [[3, 4], [5]]})
    with pytest.raises(ValueError, match=r"from 0 to 60, received 4294967296 to"):
        generate(writer, {**arrays, "input_ids": mask.astype("int64") + (1 << 32)})
    with pytest.raises(ValueError, match="Padding must be behind"):
        generate(writer, {name: x[:, ::-1] for name, x in arrays.items()})


def test_inputs_that_are_whole_numbers_of_another_type(writer):
    arrays = rows()
    mask, ids = arrays["attention_mask"] > 0, arrays["input_ids"].astype("float32")
    found = generate(writer, {"attention_mask": mask, "input_ids": ids}, max_new_tokens=2)
    assert found.tolist() == generate(writer, arrays, max_new_tokens=2).tolist()


def test_a_source_longer_than_the_positions():
    model = tiny_writer("encoder-decoder")
    long = with_segments(model, rows((41, 3)))
    with pytest.raises(ValueError, match="41 tokens a row, but positions end at 40"):
        generate(model, long, max_new_tokens=2)


def test_no_end_is_known():
    values = {**CONFIGS["gpt2"], "eos_token_id": None}
    model = CausalLM(Decoder(DecoderConfig.from_dict(values)))
    with pytest.raises(ValueError, match="Pass eos_token_id"):
        generate(model, rows(), max_new_tokens=4)


def test_an_end_that_a_file_gives_as_a_list(writer):
    """Of one it is that, as for models with an encoder; of several there is none."""
    again = tiny_writer("gpt2", changes={"eos_token_id": [END]})
    found = [generate(model, rows(), max_new_tokens=4).tolist() for model in (writer, again)]
    assert found[0] == found[1]
    assert again.config.to_dict()["eos_token_id"] == END
    with pytest.raises(ConfigError, match=r"eos_token_id must be one id.*received \[1, 5\]"):
        DecoderConfig.from_dict({**CONFIGS["gpt2"], "eos_token_id": [1, 5]})
