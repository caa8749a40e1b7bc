"""Gradient times input and attention, beside `transformers`; pages that show them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from keras_bert_zoo import BertEncoder, EncoderConfig, WordPieceTokenizer, cli, save
from keras_bert_zoo.evaluation.highlights import highlighted
from keras_bert_zoo.models import TASKS
from keras_bert_zoo.tasks.attentions import attentions_of
from keras_bert_zoo.tasks.explanation import explain, explanation_page
from keras_bert_zoo.tasks.predictor import predictor

WORDS = ["good", "bad", "caf", "##e", "<", "&", "好", "电", "影", "ann", "##a", "rome", "who", "in"]
VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *WORDS,
    "\u1112",
    "##\u1161",
    "##\u11ab",
]
LABELS = {
    "sequence_classification": {0: "negative", 1: "positive"},
    "token_classification": {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"},
    "question_answering": None,
}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A bundle with random weights for each task."""
    directory, found = tmp_path_factory.mktemp("bundles"), {}
    for task, labels in LABELS.items():
        config = EncoderConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
            id2label=labels,
        )
        model = TASKS[task](BertEncoder(config, add_pooling_layer="sequence" in task))
        generator = np.random.default_rng(8)
        for weight in model.weights:
            noise = 0.3 * generator.standard_normal(weight.shape)
            weight.assign(noise + weight.path.endswith("gamma"))
        found[task] = save(model, WordPieceTokenizer(VOCABULARY), directory / task)
    return found


def ask(bundles, task, **options):
    return predictor(bundles[task], max_length=32, options=options)


def test_spans_are_characters_of_the_text(bundles):
    text = "Good <Café> 好电影 \ud55c"
    [found] = explain(ask(bundles, "sequence_classification"), [text])
    parts = [text[start:end] for start, end, _ in found.spans[0]]
    # A Korean syllable is three pieces and one character; ">" is unknown, and a token too.
    assert parts == ["Good", "<", "Caf", "é", ">", "好", "电", "影", "\ud55c"]
    assert found.answer in ("negative", "positive")


def test_pairs_and_truncation(bundles):
    asking = predictor(bundles["sequence_classification"], max_length=8)
    pairs = [("good bad", "rome in rome in rome"), ("bad", "good")]
    long, short = explain(asking, pairs)
    assert [len(spans) for spans in long.spans] == [2, 3]
    assert short.texts == ("bad", "good")
    assert [spans[0][:2] for spans in short.spans] == [(0, 3), (0, 4)]


def test_tags_are_explained_one_by_one(bundles):
    asking = ask(bundles, "token_classification")
    text = "Anna good in Rome bad 好"
    found = explain(asking, [text])
    entities = asking([text])[0]["entities"]
    assert entities and [each.answer for each in found] == [
        f"{entity['text']}: {entity['label']}" for entity in entities
    ]


@pytest.mark.parametrize("impossible", [False, True])
def test_answers_are_explained_in_both_texts(bundles, impossible):
    options = {"max_question_length": 6, "stride": 4, "impossible": impossible}
    if impossible:
        options["null_threshold"] = -1e9
    asking = ask(bundles, "question_answering", **options)
    context = "anna good in rome bad " * 10
    [found] = explain(asking, [("Who in Rome", context)])
    assert [found.texts[0][start:end] for start, end, _ in found.spans[0]] == ["Who", "in", "Rome"]
    answer = asking([("Who in Rome", context)])[0]
    assert found.answer == (answer["answer"] or "no answer")
    assert bool(answer["answer"]) != impossible
    if not impossible:
        held = [span for span in found.spans[1] if span[0] >= answer["start"]]
        assert held[0][0] == answer["start"]


def test_other_tasks_are_refused(tmp_path, tokenizer):
    config = EncoderConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    source = save(TASKS["next_sentence"](BertEncoder(config)), tokenizer, tmp_path / "next")
    with pytest.raises(ValueError, match=r"gradients of a Keras model.*next_sentence"):
        explain(predictor(source), [("ann", "bob")])


def test_texts_are_escaped_and_whole():
    text = '<b>好 & "x"</b>'
    found = highlighted(text, [(3, 4, 1.0), (5, 6, -2.0)], largest=2.0)
    assert "<b>" not in found
    assert re.sub("<[^>]+>", "", found) == "&lt;b&gt;好 &amp; &quot;x&quot;&lt;/b&gt;"
    assert re.findall(r"rgba\(([^)]+)\)", found) == ["31, 119, 180, 0.350", "214, 39, 40, 0.700"]


def test_the_command_writes_a_page_and_a_picture(bundles, tmp_path, capsys):
    page, picture = tmp_path / "page.html", tmp_path / "attention.png"
    words = [str(bundles["sequence_classification"]), "good <script> $a_b$", "好电影"]
    options = [f"--output={page}", f"--attentions={picture}", "--layer=0"]
    assert cli.main(["explain", *words, *options]) == 0
    written = page.read_text(encoding="utf-8")
    assert "好" in written and "&lt;</span>" in written and "<script" not in written
    assert "http" not in written
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert cli.main(["explain", *words, "--layer=2", f"--attentions={picture}"]) == 2
    assert "layer must be from 0 to 1" in capsys.readouterr().err


def test_the_command_writes_what_it_is_asked_for(bundles, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["explain", str(bundles["sequence_classification"]), "good"]
    assert cli.main([*words, "--attentions=only.png"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["only.png"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.split() == ["only.png", "explanation.html"]


def theirs(bundles, task, **choices):
    import transformers

    kind = {
        "sequence_classification": "BertForSequenceClassification",
        "token_classification": "BertForTokenClassification",
        "question_answering": "BertForQuestionAnswering",
    }[task]
    return getattr(transformers, kind).from_pretrained(bundles[task], **choices).eval()


@pytest.mark.parity
@pytest.mark.parametrize(
    ("task", "question"),
    [
        ("sequence_classification", ("good café in rome", "bad 好 电影")),
        ("token_classification", "anna good in rome bad"),
        ("question_answering", ("who in rome", "anna bad good in rome")),
    ],
)
def test_gradients_times_inputs_are_those_of_torch(bundles, task, question):
    import torch

    options = {"max_question_length": 6, "stride": 4} if "question" in task else {}
    found = explain(ask(bundles, task, **options), [question])[0]
    texts = [question] if isinstance(question, str) else list(question)
    tokenizer = WordPieceTokenizer.from_directory(bundles[task])
    encoded = tokenizer(texts[0], *texts[1:], padding=True)
    inputs = {name: torch.from_numpy(values.numpy()).long() for name, values in encoded.items()}
    model = theirs(bundles, task)
    vectors = model.bert.embeddings.word_embeddings(inputs.pop("input_ids")).detach()
    vectors.requires_grad_(True)
    outputs = model(inputs_embeds=vectors, **inputs)
    if task == "question_answering":
        answer = found.texts[1].index(found.answer)
        starts = [span[0] for span in found.spans[1]]
        ends = [span[1] for span in found.spans[1]]
        first = len(found.spans[0]) + 2 + starts.index(answer)
        last = len(found.spans[0]) + 2 + ends.index(answer + len(found.answer))
        score = outputs.start_logits[0, first] + outputs.end_logits[0, last]
    elif task == "token_classification":
        word = found.answer.split(":")[0].split()[0]
        place = 1 + [span[0] for span in found.spans[0]].index(question.index(word))
        score = outputs.logits[0, place].max()
    else:
        score = outputs.logits[0].max()
    score.backward()
    wanted = (vectors.grad * vectors).sum(-1)[0].detach().numpy()
    wanted = np.delete(wanted, [0, *np.flatnonzero(encoded["input_ids"][0] == 3)])
    ours = [value for spans in found.spans for *_, value in spans]
    assert np.abs(wanted).max() > 0.01
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-5)


@pytest.mark.parity
def test_attentions_are_those_of_transformers(bundles):
    import torch

    task = "sequence_classification"
    model = theirs(bundles, task, attn_implementation="eager")
    encoded = WordPieceTokenizer.from_directory(bundles[task])("good bad", "rome", padding=True)
    inputs = {name: torch.from_numpy(values.numpy()).long() for name, values in encoded.items()}
    with torch.no_grad():
        wanted = model(**inputs, output_attentions=True).attentions
    for layer in (0, 1, -1):
        tokens, found = attentions_of(bundles[task], "good bad", "rome", layer=layer)
        assert tokens == ["[CLS]", "good", "bad", "[SEP]", "rome", "[SEP]"]
        np.testing.assert_allclose(found, wanted[layer][0].numpy(), rtol=0, atol=1e-5)


def test_explanations_of_nothing_are_a_page():
    assert "</html>" in explanation_page([])
