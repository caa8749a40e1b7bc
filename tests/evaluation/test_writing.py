"""Scores of texts that were written."""

from __future__ import annotations

import pytest
import sacrebleu
from rouge_score import rouge_scorer

from keras_bert_zoo.evaluation.writing import METRICS, TOKENIZERS, bleu, each_same

TEXTS = ["the cat sat on the mat", "a dog barks at night , loudly"]
REFERENCES = ["the cat sat on a mat", "a dog barks loudly at night"]


def test_bleu_is_that_of_a_corpus():
    found = bleu(TEXTS, REFERENCES, "13a")
    expected = sacrebleu.BLEU(tokenize="13a").corpus_score(TEXTS, [REFERENCES])
    assert found == {
        "bleu": expected.score,
        "chrf": sacrebleu.CHRF().corpus_score(TEXTS, [REFERENCES]).score,
    }
    assert 0 < found["bleu"] < 100
    assert bleu(TEXTS, TEXTS, "13a")["bleu"] == pytest.approx(100)


def test_chinese_has_a_word_for_each_character():
    texts, references = ["打开文件并保存它"], ["打开文件并存储它"]
    assert bleu(texts, references, "zh")["bleu"] > 0
    # Without it a sentence is one word.
    assert bleu(texts, references, "none")["bleu"] == 0


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_every_tokenizer_is_at_hand(tokenizer):
    assert bleu(REFERENCES, REFERENCES, tokenizer)["bleu"] == pytest.approx(100)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_monitored_is_a_score_and_the_mean_of_its_parts(name):
    metric = METRICS[name]
    scores = metric.scores(TEXTS, REFERENCES, "13a")
    assert metric.monitored in scores
    if metric.each:
        mean = metric.each(TEXTS, REFERENCES).mean()
        assert scores[metric.monitored] == pytest.approx(mean)


def test_rouge_is_the_librarys():
    scorer = rouge_scorer.RougeScorer(["rouge2"], use_stemmer=True)
    pairs = zip(REFERENCES, TEXTS, strict=True)
    expected = sum(scorer.score(*pair)["rouge2"].fmeasure for pair in pairs) / 2
    assert METRICS["rouge"].scores(TEXTS, REFERENCES, "")["rouge2"] == pytest.approx(expected)


def test_the_same_text_but_for_spaces_at_its_ends():
    assert each_same(["a b ", "a  b"], [" a b", "a b"]).tolist() == [1.0, 0.0]
