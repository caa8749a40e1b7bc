"""What a fine-tuning run is, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_bert_zoo.config import PROBLEM_TYPES, ConfigError
from keras_bert_zoo.rules import (
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    SWITCH,
    Rule,
    at_least,
    choice,
    or_none,
    problems_of,
)
from keras_bert_zoo.tasks import PRETRAINED, TASKS

# What may change when a run goes on: where and how it is kept, not what it computes.
_NOT_IDENTITY = ("output", "resume", "overwrite", "save_steps")
LINEAR, ROOT = "linear", "inverse_square_root"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinetuneRecipe:
    """A fine-tuning run.

    Args:
        model: the encoder to start from: a short name of the zoo, a bundle directory,
            hf://org/name or package://name/folder.
        new_model: of seq2seq, a Transformer with random weights instead: keys of config.json,
            e.g. {model_type: marian, d_model: 256, encoder_layers: 4, decoder_layers: 4,
            encoder_attention_heads: 4, decoder_attention_heads: 4, encoder_ffn_dim: 1024,
            decoder_ffn_dim: 1024, max_position_embeddings: 128}.
        tie_encoder_decoder: of seq2seq, true if both sides that are made of an encoder are to
            share its weights (Rothe et al. 2019, arXiv:1907.12461, section 2, BERTSHARE).
        new_decoder: of seq2seq, a decoder of new layers beside the encoder (Liu and Lapata 2019,
            arXiv:1908.08345, section 3.2, BertSumAbs): keys of config.json in which they differ
            from the encoder's, e.g. {num_hidden_layers: 6, intermediate_size: 2048}.
        tokenizer: of a new model: what model may be, with tokenizer files.
        output: directory of the run; it gets bundle/, history.json, history.csv,
            metrics.json, recipe.yaml and logs/ for TensorBoard.
        train: file of the training examples, or tweets://train; which formats there are is
            told by the task.
        validation: the same for validation; without it nothing is monitored and the last
            epoch is kept.
        test: the same for the final test.
        task: sequence_classification, token_classification, question_answering, multiple_choice,
            next_sentence, sentence_embedding, extractive_summarization, seq2seq or causal_lm.
        problem_type: of sequence_classification: single_label_classification (by default),
            multi_label_classification or regression.
        labels: class names in the order of their index; by default those in the training
            file, sorted.
        text_column: column of the text; by default the task's.
        pair_column: column of the second text, for pairs.
        label_column: column of the label: a name or an index; "a|b" or a list for
            multi-label; a number for regression. By default the task's column.
        delimiter: of columns; by default comma for .csv and tab for .tsv.
        encoding: of the files.
        empty_texts: error, drop or keep rows without text.
        options: what only the task has, see its Options.
        limit: use only the first so many training examples.
        fold: [k, n]: the k-th of n parts of the training examples validates, the others train;
            classes have equal shares in all parts, and questions about one context stay together.
        max_length: tokens at which texts are truncated.
        batch_size: examples of a step.
        buckets: widths of batches; by default those of data.batches, few with jit_compile.
        schedule: linear, or inverse_square_root (Vaswani et al. 2017, arXiv:1706.03762, equation
            3), which needs warmup_steps.
        learning_rate: the peak; of inverse_square_root the factor before the formula.
        warmup_ratio: part of all steps in which the learning rate rises.
        warmup_steps: these steps by number, instead.
        decoder_learning_rate: of seq2seq with inverse_square_root, the factor for the decoder
            alone, e.g. 0.1 beside 2.0e-3 for an encoder that was pretrained (Liu and Lapata 2019,
            arXiv:1908.08345, section 4.1).
        decoder_warmup_steps: the warm-up of that; by default warmup_steps.
        weight_decay: of kernels and embeddings.
        correct_bias: correct the bias of AdamW's moments, as PyTorch and Keras do; false is BERT's
            AdamW as published.
        layer_decay: factor between the learning rates of neighbouring layers, e.g. 0.8; by
            default all have the same.
        freeze_layers: keep the embeddings and so many of the lowest blocks as they are; 0
            keeps the embeddings alone.
        lora_rank: train updates of this rank instead of the layers themselves (Hu et al. 2021,
            arXiv:2106.09685), and pooler and head as always; the bundle has them merged.
        lora_alpha: scale of the updates; by default the rank, which scales by 1.
        lora_targets: layers with updates, by the ends of their names, as peft takes them for
            BERT: query, key, value, attention.output.dense, intermediate.dense, output.dense,
            dense for all three; by default query and value, or what other architectures have
            for them.
        epochs: passes over the training examples.
        seed: of the new layers, the order and the dropout.
        dtype: dtype policy, e.g. mixed_bfloat16.
        jit_compile: compile the training step with XLA, once for each width.
        monitor: what decides about the best epoch, e.g. val_f1_macro; by default
            the task's choice, val_accuracy for classes.
        patience: epochs without a better value before training stops; by default all epochs run.
        save_steps: steps between two saves of the state inside an epoch.
        resume: go on with the run in the output directory.
        overwrite: start anew in an output directory that holds a run.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    model: str | None = None
    new_model: dict[str, Any] | None = None
    tie_encoder_decoder: bool | None = None
    new_decoder: dict[str, Any] | None = None
    tokenizer: str | None = None
    output: str
    train: str
    validation: str | None = None
    test: str | None = None
    task: str = "sequence_classification"
    problem_type: str | None = None
    labels: list[str] | None = None
    text_column: str | None = None
    pair_column: str | None = None
    label_column: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    limit: int | None = None
    fold: list[int] | None = None
    max_length: int = 128
    batch_size: int = 32
    buckets: list[int] | None = None
    schedule: str = LINEAR
    learning_rate: float = 5e-5
    warmup_ratio: float = 0.1
    warmup_steps: int | None = None
    decoder_learning_rate: float | None = None
    decoder_warmup_steps: int | None = None
    weight_decay: float = 0.01
    correct_bias: bool = True
    layer_decay: float | None = None
    freeze_layers: int | None = None
    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_targets: list[str] | None = None
    epochs: int = 3
    seed: int = 1
    dtype: str = "float32"
    jit_compile: bool = False
    monitor: str | None = None
    patience: int | None = None
    save_steps: int = 500
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuses values that no run can have, all complaints in one error."""
        # Tasks of one's own are added while a program runs.
        problems = problems_of(self, {"task": choice(*TASKS), **_RULES})
        problems += [message for wrong, message in self._contradictions() if wrong]
        if problems:
            raise ConfigError("The recipe cannot be run: " + "; ".join(problems))

    def _contradictions(self) -> list[tuple[bool, str]]:
        monitored = self.monitor is not None or self.patience is not None
        return [
            (
                self.schedule == ROOT and self.warmup_steps is None,
                f"schedule {ROOT} needs warmup_steps",
            ),
            (
                self.decoder_learning_rate is not None
                and (self.schedule, self.task) != (ROOT, "seq2seq"),
                f"decoder_learning_rate is of task seq2seq with schedule {ROOT}",
            ),
            (
                self.layer_decay is not None and self.task == "seq2seq",
                "layer_decay is of encoders alone: seq2seq takes a decoder_learning_rate",
            ),
            (
                self.decoder_warmup_steps is not None and self.decoder_learning_rate is None,
                "decoder_warmup_steps needs a decoder_learning_rate",
            ),
            (
                self.lora_rank is None and (self.lora_alpha, self.lora_targets) != (None, None),
                "lora_alpha and lora_targets need a lora_rank",
            ),
            (
                (self.model is None) == (self.new_model is None),
                "state a model, or for seq2seq a new_model",
            ),
            (
                (self.new_model is None) != (self.tokenizer is None),
                "new_model and tokenizer belong together",
            ),
            (
                self.new_model is not None and self.task != "seq2seq",
                f"new_model is of task seq2seq, not of {self.task!r}",
            ),
            (
                (bool(self.tie_encoder_decoder) or self.new_decoder is not None)
                and (self.model is None or self.task != "seq2seq"),
                "tie_encoder_decoder and new_decoder are of task seq2seq with a model that is an "
                "encoder",
            ),
            (bool(self.fold and self.validation), "fold validates: leave validation out"),
            (self.resume and self.overwrite, "resume and overwrite exclude each other"),
            (
                self.task in PRETRAINED,
                f"task {self.task!r} learns from text alone: keras-bert-zoo pretrain",
            ),
            (monitored and not self.validates, "monitor and patience need validation data"),
        ]

    @property
    def validates(self) -> bool:
        """Whether there are validation examples."""
        return bool(self.validation or self.fold)

    def identity(self) -> dict[str, Any]:
        """The values that must not change when a run goes on."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if name not in _NOT_IDENTITY}


def _names_a_fold(fold: Any) -> bool:
    return len(fold) == 2 and fold[1] > 1 and 1 <= fold[0] <= fold[1]


_COUNT = at_least(1)
_RULES = {
    **dict.fromkeys(("max_length", "batch_size", "epochs", "save_steps"), _COUNT),
    **dict.fromkeys(("patience", "limit", "lora_rank"), or_none(_COUNT)),
    **dict.fromkeys(("warmup_steps", "decoder_warmup_steps"), or_none(_COUNT)),
    "learning_rate": POSITIVE,
    **dict.fromkeys(("decoder_learning_rate", "lora_alpha"), or_none(POSITIVE)),
    "warmup_ratio": SHARE,
    "weight_decay": NOT_NEGATIVE,
    "layer_decay": or_none(Rule("a number in (0, 1]", lambda x: POSITIVE.holds(x) and x <= 1)),
    "freeze_layers": or_none(at_least(0)),
    "seed": at_least(0),
    **dict.fromkeys(("resume", "overwrite"), SWITCH),
    "lora_targets": or_none(Rule("names of layers", bool)),
    "labels": or_none(Rule("at least one, all distinct", lambda x: len(set(x)) == len(x) > 0)),
    "fold": or_none(Rule("[k, n] with n of at least 2 and k from 1 to n", _names_a_fold)),
    "problem_type": or_none(choice(*PROBLEM_TYPES)),
    "schedule": choice(LINEAR, ROOT),
    "empty_texts": choice("error", "drop", "keep"),
    "dtype": choice("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64"),
}
