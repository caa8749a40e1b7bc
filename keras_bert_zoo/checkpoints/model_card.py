"""The README.md of a bundle."""

from __future__ import annotations

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.generator_config import Seq2SeqConfig

_CARD = """---
library_name: transformers
tags: [keras-bert-zoo, {model_type}]{pipeline}
---

# {title}

{model_type}, {layers} layers, hidden size {hidden}, {heads} attention heads, vocabulary {vocab:,}.
{labels}
```python
import keras_bert_zoo

bundle = keras_bert_zoo.load("this directory")
```

The files are in the Hugging Face layout: `transformers.{loader}.from_pretrained` reads them too.
What the model was trained on, how well it does and what it must not be used for is for its
author to add here.
"""
_CRF = """Tags follow each other by a conditional random field, the tensors `crf.*`. `transformers`
leaves them unread, with a warning, and takes the best tag of each token alone."""
# task: class of `transformers` and what its hub calls the task
_LOADERS: dict[str | None, tuple[str, str | None]] = {
    None: ("AutoModel", None),
    "sequence_classification": ("AutoModelForSequenceClassification", "text-classification"),
    "token_classification": ("AutoModelForTokenClassification", "token-classification"),
    "question_answering": ("AutoModelForQuestionAnswering", "question-answering"),
    "multiple_choice": ("AutoModelForMultipleChoice", None),
    "sentence_embedding": ("AutoModel", "sentence-similarity"),
    "masked_lm": ("AutoModelForMaskedLM", "fill-mask"),
    "next_sentence": ("AutoModelForNextSentencePrediction", None),
    "replaced_tokens": ("AutoModelForPreTraining", None),
    "pretraining": ("AutoModelForPreTraining", "fill-mask"),
    "causal_lm": ("AutoModelForCausalLM", "text-generation"),
    "seq2seq": ("AutoModelForSeq2SeqLM", None),
}


def model_card(
    config: EncoderConfig | Seq2SeqConfig, task: str | None, title: str, *, crf: bool = False
) -> str:
    """Returns a card that states what the config knows, and whether there is a CRF."""
    kind_of_model = config.model_type
    config = config.decoder if isinstance(config, Seq2SeqConfig) else config
    # A task of the user's own is an encoder for everybody else.
    loader, pipeline = _LOADERS.get(task, _LOADERS[None])
    kind = f" ({config.problem_type})" if config.problem_type else ""
    classes = f"\nClasses: {', '.join(config.labels)}{kind}.\n"
    note = f"\n{_CRF}\n" if crf else ""
    return _CARD.format(
        title=title,
        model_type=kind_of_model,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        vocab=config.vocab_size,
        labels=(classes if config.labels else "") + note,
        loader=loader,
        pipeline=f"\npipeline_tag: {pipeline}" if pipeline else "",
    )
