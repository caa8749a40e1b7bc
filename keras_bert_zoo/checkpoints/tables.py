"""Which tensor of a Hugging Face checkpoint is which variable: one table, read both ways."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from keras_bert_zoo.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class Row:
    """One tensor and its variable.

    Args:
        tensor: Hugging Face's name, without the prefix of the encoder.
        variable: path of our variable.
        transposed: whether the tensor is the variable's transpose. PyTorch's linear
            layers hold ``(out, in)``, Keras' ``(in, out)``.
        in_encoder: whether the tensor takes the encoder's prefix in a model with a head.
    """

    tensor: str
    variable: str
    transposed: bool = False
    in_encoder: bool = True


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The tables of one ``model_type``.

    Args:
        prefix: of the encoder's tensors in a model with a head.
        body: rows of every checkpoint; ``{layer}`` stands for each block's index.
        pooler: rows that a checkpoint may lack altogether.
        heads: rows of each task; none where what follows the encoder is in other files.
        additions: what heads of a task may have besides, by the argument of the model; no class
            of Hugging Face has it.
        classes: Hugging Face's class for each task; ``None`` is the bare encoder.
        on_request: tasks whose heads are loaded only when they are asked for: what a checkpoint
            was pretrained with is seldom what it is used for.
        without_labels: tasks whose answers are no classes of the user's.
        without_pooler: tasks that need none.
        copies: tensors that some checkpoints store a second time, and of which.
        aliases: old parts of names, and what they are called now.
        skippable: tensors that may be left unread, as patterns, and what they are.
    """

    prefix: str
    body: tuple[Row, ...]
    pooler: tuple[Row, ...]
    heads: Mapping[str, tuple[Row, ...]]
    additions: Mapping[str, Mapping[str, tuple[Row, ...]]]
    classes: Mapping[str | None, str]
    on_request: tuple[str, ...]
    without_labels: tuple[str, ...]
    without_pooler: tuple[str, ...]
    copies: Mapping[str, str]
    aliases: Mapping[str, str]
    skippable: Mapping[str, str]

    def rows(self, config: EncoderConfig, *, pooler: bool, task: str | None) -> tuple[Row, ...]:
        """Returns the rows of a model, in the order in which Hugging Face lists them."""
        learned = config.position_embedding_type == "absolute"
        parts = (*self._expanded(config), *(self.pooler if pooler else ()))
        head = self.heads[task] if task else ()
        return tuple(
            row for row in (*parts, *head) if learned or "position_embeddings" not in row.tensor
        )

    def added(self, task: str | None, present: Collection[str]) -> dict[str, tuple[Row, ...]]:
        """Returns the additions of which the first tensor or variable is among those given."""
        return {
            argument: rows
            for argument, rows in self.additions.get(task or "", {}).items()
            if rows[0].tensor in present or rows[0].variable in present
        }

    def _expanded(self, config: EncoderConfig) -> Iterator[Row]:
        yield from (row for row in self.body if "{layer}" not in row.tensor)
        for index in range(config.num_hidden_layers):
            for row in self.body:
                if "{layer}" in row.tensor:
                    tensor, variable = (
                        name.format(layer=index) for name in (row.tensor, row.variable)
                    )
                    yield dataclasses.replace(row, tensor=tensor, variable=variable)

    def canonical(self, tensor: str) -> str:
        """Returns a tensor's name as the table has it: no prefix, today's parts."""
        tensor = tensor.removeprefix(self.prefix)
        for old, new in self.aliases.items():
            tensor = tensor.replace(old, new)
        return tensor

    def published(self, row: Row, task: str | None) -> str:
        """Returns the name under which Hugging Face stores a row of a model for ``task``."""
        return self.prefix + row.tensor if task and row.in_encoder else row.tensor

    def why_skippable(self, tensor: str) -> str | None:
        """Says what an unwanted tensor is, or returns ``None`` if it may not be dropped."""
        for pattern, reason in self.skippable.items():
            if re.fullmatch(pattern, tensor):
                return reason
        return None


def _linear(tensor: str, variable: str, *, in_encoder: bool = True) -> tuple[Row, Row]:
    return (
        Row(f"{tensor}.weight", f"{variable}/kernel", transposed=True, in_encoder=in_encoder),
        Row(f"{tensor}.bias", f"{variable}/bias", in_encoder=in_encoder),
    )


def _norm(tensor: str, variable: str, *, in_encoder: bool = True) -> tuple[Row, Row]:
    return (
        Row(f"{tensor}.weight", f"{variable}/gamma", in_encoder=in_encoder),
        Row(f"{tensor}.bias", f"{variable}/beta", in_encoder=in_encoder),
    )


def _block(tensor: str, variable: str, *, in_encoder: bool = True) -> tuple[Row, ...]:
    """The rows of a ``layers.EncoderBlock``."""
    return tuple(
        row
        for kind, theirs, ours in (
            (_linear, "attention.self.query", "attention/query"),
            (_linear, "attention.self.key", "attention/key"),
            (_linear, "attention.self.value", "attention/value"),
            (_linear, "attention.output.dense", "attention/output"),
            (_norm, "attention.output.LayerNorm", "attention_norm"),
            (_linear, "intermediate.dense", "intermediate"),
            (_linear, "output.dense", "output"),
            (_norm, "output.LayerNorm", "output_norm"),
        )
        for row in kind(f"{tensor}.{theirs}", f"{variable}/{ours}", in_encoder=in_encoder)
    )


_DETECTOR = "discriminator_predictions"

# The decoder's weight is the word table, which `transformers` stores once or twice.
_PREDICTIONS = (
    *_linear("cls.predictions.transform.dense", "predictions/transform", in_encoder=False),
    *_norm("cls.predictions.transform.LayerNorm", "predictions/norm", in_encoder=False),
    Row("cls.predictions.bias", "predictions/bias", in_encoder=False),
)
_CLASSIFIER = _linear("classifier", "classifier", in_encoder=False)
# As PyTorch-CRF calls them.
_CRF = (
    Row("crf.transitions", "crf/transitions", in_encoder=False),
    Row("crf.start_transitions", "crf/start", in_encoder=False),
    Row("crf.end_transitions", "crf/end", in_encoder=False),
)
# The names are ours: `transformers` has no such head.
_BETWEEN_SENTENCES = (
    *_block("inter_sentence.layer.0", "inter_sentence/layer_0", in_encoder=False),
    *_block("inter_sentence.layer.1", "inter_sentence/layer_1", in_encoder=False),
)
_FOLLOWING = _linear("cls.seq_relationship", "seq_relationship", in_encoder=False)

BERT = Architecture(
    prefix="bert.",
    body=(
        Row("embeddings.word_embeddings.weight", "embeddings/word_embeddings"),
        Row("embeddings.position_embeddings.weight", "embeddings/position_embeddings"),
        Row("embeddings.token_type_embeddings.weight", "embeddings/token_type_embeddings"),
        *_norm("embeddings.LayerNorm", "embeddings/norm"),
        *_block("encoder.layer.{layer}", "encoder/layer_{layer}"),
    ),
    pooler=_linear("pooler.dense", "pooler/dense"),
    heads={
        "sequence_classification": _CLASSIFIER,
        "token_classification": _CLASSIFIER,
        "multiple_choice": _CLASSIFIER,
        "extractive_summarization": (*_BETWEEN_SENTENCES, *_CLASSIFIER),
        "question_answering": _linear("qa_outputs", "qa_outputs", in_encoder=False),
        "masked_lm": _PREDICTIONS,
        "next_sentence": _FOLLOWING,
        "pretraining": (*_PREDICTIONS, *_FOLLOWING),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": _CRF}},
    classes={
        None: "BertModel",
        "sequence_classification": "BertForSequenceClassification",
        "token_classification": "BertForTokenClassification",
        "multiple_choice": "BertForMultipleChoice",
        "extractive_summarization": "BertForExtractiveSummarization",
        "question_answering": "BertForQuestionAnswering",
        "masked_lm": "BertForMaskedLM",
        "next_sentence": "BertForNextSentencePrediction",
        "pretraining": "BertForPreTraining",
    },
    on_request=("masked_lm", "next_sentence", "pretraining"),
    without_labels=(
        "multiple_choice",
        "extractive_summarization",
        "question_answering",
        "masked_lm",
        "next_sentence",
        "pretraining",
    ),
    without_pooler=(
        "token_classification",
        "extractive_summarization",
        "question_answering",
        "masked_lm",
        "sentence_embedding",
    ),
    copies={
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    aliases={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    skippable={
        r"embeddings\.position_ids": "a buffer that counts 0, 1, 2, …",
        r"cls\..*": "the pretraining heads",
        r"classifier\..*": "a classification head",
        r"crf\..*": "which tags of words follow each other",
        r"pooler\.dense\..*": "a pooler, which the task does not use",
        r"inter_sentence\..*": "the layers between sentences of a head that summarises",
        r"qa_outputs\..*": "a question-answering head",
    },
)

# The discriminator; of embeddings as wide as its layers, which `transformers` does not project.
ELECTRA = dataclasses.replace(
    BERT,
    prefix="electra.",
    pooler=(),
    heads={
        "replaced_tokens": (
            *_linear(f"{_DETECTOR}.dense", f"{_DETECTOR}/dense", in_encoder=False),
            *_linear(
                f"{_DETECTOR}.dense_prediction", f"{_DETECTOR}/dense_prediction", in_encoder=False
            ),
        ),
        "sentence_embedding": (),
    },
    additions={},
    classes={None: "ElectraModel", "replaced_tokens": "ElectraForPreTraining"},
    on_request=("replaced_tokens",),
    without_labels=("replaced_tokens",),
    without_pooler=("replaced_tokens", "sentence_embedding"),
    copies={},
    skippable={
        r"embeddings\.position_ids": "a buffer that counts 0, 1, 2, …",
        rf"{_DETECTOR}\..*": "the head that finds replaced tokens",
        r"classifier\..*": "a classification head",
    },
)

ARCHITECTURES: dict[str, Architecture] = {"bert": BERT, "electra": ELECTRA}


def architecture(model_type: str) -> Architecture:
    """Returns the tables of an architecture.

    Raises:
        ValueError: no architecture has that name.
    """
    if model_type not in ARCHITECTURES:
        near = difflib.get_close_matches(str(model_type), ARCHITECTURES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"model_type must be one of {sorted(ARCHITECTURES)}, received {model_type!r}.{hint}"
        )
    return ARCHITECTURES[model_type]
