"""What a pretraining run is, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.rules import choice, problems_of
from keras_bert_zoo.training.model_keys import ENCODER_KEYS, decoder_problems, unknown_keys

# What may change when a run goes on: where and how it is kept, and on how many devices.
_NOT_IDENTITY = (
    "output",
    "resume",
    "overwrite",
    "save_steps",
    "save_minutes",
    "keep_checkpoints",
    "log_steps",
    "eval_steps",
    "eval_rows",
    "devices",
    "cluster",
    "recompute",
)
_POSITIVE = ("save_steps", "keep_checkpoints", "log_steps", "eval_steps", "eval_rows")
DTYPES = ("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float64")
OPTIMIZERS = ("bert_adamw", "lamb")
_CHOICES = {"optimizer": choice(*OPTIMIZERS), "dtype": choice(*DTYPES)}
# Fields of the batches that a recipe states once for all phases.
_SHARED = ("objective", "masking", "masked_lm_prob", "sentences", "short_seq_prob", "packed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run with rows of one length.

    Args:
        steps: updates of the weights.
        max_length: tokens of a row, with the special ones.
        batch_size: rows of an update, over all devices and workers.
        max_predictions_per_seq: the most words that are masked in a row; by default
            masked_lm_prob of the row, rounded up.
        accumulation: parts that a device's rows are cut into, computed one after the other.
        learning_rate: the peak of this phase; with it each phase has a schedule of its own, as
            LAMB's second phase has.
        warmup_steps: updates of this phase in which the learning rate rises.
    """

    steps: int
    max_length: int = 128
    batch_size: int = 256
    max_predictions_per_seq: int | None = None
    accumulation: int = 1
    learning_rate: float | None = None
    warmup_steps: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainRecipe:
    """A pretraining run: masked words, and next sentences or their order; or next tokens.

    Args:
        shards: directory that keras-bert-zoo prepare wrote.
        output: directory of the run; it gets bundle/, checkpoints/, history.jsonl,
            metrics.json, recipe.yaml, curve.png and logs/ for TensorBoard.
        phases: parts of the run, one after the other, e.g. most steps with rows of 128 tokens
            and the last ones with 512.
        model: the checkpoint to go on from: a short name of the zoo, a bundle directory,
            hf://org/name or package://name/folder; by default a new encoder or decoder.
        encoder: of a new encoder, the keys of config.json; vocab_size and pad_token_id come
            from the shards.
        decoder: of a new decoder, with objective causal: the keys of config.json, by default of
            model_type gpt2, or of bert; vocab_size and the ids of special tokens come from the
            shards: bos_token_id is that of [CLS], eos_token_id that of [SEP].
        generator: sizes in which ELECTRA's generator differs from the encoder, e.g.
            {hidden_size: 64, num_attention_heads: 1, intermediate_size: 256}; with it the encoder
            learns by telling replaced words from original ones, and is what is kept. Needs
            sentences none.
        held_out: shards for validation; by default held_out/ inside shards, where it exists.
        objective: masked (words from both sides) or causal (each token from those before it, as
            GPT-2 does); causal needs sentences none.
        sentences: next (as published), order (as in ALBERT) or none (as in RoBERTa).
        masking: token, whole_word, ngram or span.
        masked_lm_prob: part of the tokens of a row that is masked.
        short_seq_prob: part of the rows that is shorter than it could be, for next and order.
        packed: several documents in one row, which do not see each other; needs sentences
            none.
        optimizer: bert_adamw or lamb.
        learning_rate: the peak; not used where phases state theirs.
        warmup_steps: updates in which the learning rate rises; not used where phases state
            theirs.
        rate_power: of the fall after the peak: 1 is linear, 0 stays at the peak.
        rate_end: the last learning rate, as a part of the peak.
        weight_decay: of kernels and embeddings.
        beta_2: decay of the second moment of the gradients.
        clip: largest global norm of the gradients; null for no limit.
        ema: momentum of averaged weights, which are those that are saved, e.g. 0.999; validation
            along the way sees the plain ones.
        seed: of the new weights, the rows, the masks and the dropout.
        dtype: dtype policy, e.g. mixed_bfloat16.
        jit_compile: compile the training step with XLA; for one device.
        recompute: keep the inputs of the blocks alone and compute the rest again for the gradient:
            less memory, a third more products.
        devices: e.g. [GPU:0, GPU:1]; all visible GPUs by default.
        cluster: local:N starts N workers on this machine, for trials; by default what
            TF_CONFIG says.
        log_steps: updates between two points of the learning curve.
        eval_steps: updates between two validations.
        eval_rows: rows of a validation.
        save_steps: updates between two checkpoints.
        save_minutes: minutes after which a checkpoint is due in any case.
        keep_checkpoints: how many stay.
        resume: go on with the run in the output directory.
        overwrite: start anew in an output directory that holds a run.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    shards: str
    output: str
    phases: list[Phase]
    model: str | None = None
    encoder: dict[str, Any] | None = None
    decoder: dict[str, Any] | None = None
    generator: dict[str, Any] | None = None
    held_out: str | None = None
    objective: str = "masked"
    sentences: str = "next"
    masking: str = "token"
    masked_lm_prob: float = 0.15
    short_seq_prob: float = 0.1
    packed: bool = False
    optimizer: str = "bert_adamw"
    learning_rate: float = 1e-4
    warmup_steps: int = 10_000
    rate_power: float = 1.0
    rate_end: float = 0.0
    weight_decay: float = 0.01
    beta_2: float = 0.999
    clip: float | None = 1.0
    ema: float | None = None
    seed: int = 1
    dtype: str = "float32"
    jit_compile: bool = False
    recompute: bool = False
    devices: list[str] | None = None
    cluster: str | None = None
    log_steps: int = 100
    eval_steps: int = 1000
    eval_rows: int = 1000
    save_steps: int = 1000
    save_minutes: float | None = None
    keep_checkpoints: int = 2
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuses values that no run can have, all complaints in one error."""
        # A file and the command line give phases as mappings.
        phases = [Phase(**each) if isinstance(each, dict) else each for each in self.phases]
        object.__setattr__(self, "phases", phases)
        problems = [
            f"{name} must be at least 1, received {getattr(self, name)}"
            for name in _POSITIVE
            if getattr(self, name) < 1
        ]
        problems += problems_of(self, _CHOICES)
        problems += [message for wrong, message in self._contradictions() if wrong]
        for name in ("encoder", "generator"):
            problems += unknown_keys(name, getattr(self, name) or {}, ENCODER_KEYS)
        problems += decoder_problems(self.decoder)
        for index, phase in enumerate(self.phases):
            problems += [f"phases[{index}]: {message}" for message in self._phase_problems(phase)]
        if problems:
            raise ConfigError("The recipe cannot be run: " + "; ".join(problems))

    def _contradictions(self) -> list[tuple[bool, str]]:
        steps = sum(phase.steps for phase in self.phases)
        return [
            (not self.phases, "phases must hold at least one"),
            (
                [self.model, self.encoder, self.decoder].count(None) != 2,
                "either model (a checkpoint to go on from) or encoder or decoder (sizes of a new "
                "one) must be given, and only one of them",
            ),
            (
                (self.encoder if self.objective == "causal" else self.decoder) is not None,
                "objective causal is that of a decoder, and masked that of an encoder; received "
                f"{self.objective!r}",
            ),
            (
                self.generator is not None and self.objective == "causal",
                "generator and objective causal exclude each other",
            ),
            (
                self.generator is not None and self.sentences != "none",
                f"generator needs sentences none, received {self.sentences!r}",
            ),
            (not self.learning_rate > 0, f"learning_rate must be positive: {self.learning_rate}"),
            (
                not self.rates_by_phase and not 0 <= self.warmup_steps <= steps,
                f"warmup_steps must be from 0 to the {steps} steps of all phases, received "
                f"{self.warmup_steps}",
            ),
            (not self.weight_decay >= 0, f"weight_decay must be 0 or more: {self.weight_decay}"),
            (not 0 <= self.beta_2 < 1, f"beta_2 must be in [0, 1): {self.beta_2}"),
            (self.clip is not None and not self.clip > 0, f"clip must be positive: {self.clip}"),
            (
                self.ema is not None and not 0 < self.ema < 1,
                f"ema must be between 0 and 1: {self.ema}",
            ),
            (
                not self.rate_power >= 0 or not 0 <= self.rate_end <= 1,
                "rate_power must be 0 or more and rate_end in [0, 1], received "
                f"{self.rate_power} and {self.rate_end}",
            ),
            (
                len({phase.learning_rate is None for phase in self.phases}) > 1,
                "either all phases state a learning_rate or none",
            ),
            (self.seed < 0, f"seed must be 0 or more: {self.seed}"),
            (
                self.save_minutes is not None and not self.save_minutes > 0,
                f"save_minutes must be positive: {self.save_minutes}",
            ),
            (self.resume and self.overwrite, "resume and overwrite exclude each other"),
        ]

    def _phase_problems(self, phase: Phase) -> list[str]:
        sizes = ("steps", "batch_size", "accumulation")
        problems = [
            f"{name} must be at least 1, received {getattr(phase, name)}"
            for name in sizes
            if getattr(phase, name) < 1
        ]
        if not problems and phase.batch_size % phase.accumulation:
            problems.append(
                f"accumulation ({phase.accumulation}) must divide batch_size ({phase.batch_size})"
            )
        warmup = phase.warmup_steps or 0
        if not 0 <= warmup <= phase.steps:
            problems.append(f"warmup_steps must be from 0 to {phase.steps}, received {warmup}")
        if phase.warmup_steps is not None and phase.learning_rate is None:
            problems.append("warmup_steps needs a learning_rate beside it")
        try:
            self.batch_options(phase)
        except ConfigError as error:
            problems.append(str(error))
        return problems

    @property
    def steps(self) -> int:
        """Updates of the whole run."""
        return sum(phase.steps for phase in self.phases)

    @property
    def rates_by_phase(self) -> bool:
        """Whether each phase has a schedule of its own."""
        return any(phase.learning_rate is not None for phase in self.phases)

    def batch_options(self, phase: Phase) -> BatchOptions:
        """What the batches of a phase hold."""
        most = phase.max_predictions_per_seq
        if most is None:
            most = math.ceil(self.masked_lm_prob * phase.max_length)
        return BatchOptions(
            max_length=phase.max_length,
            max_predictions_per_seq=most,
            **{name: getattr(self, name) for name in _SHARED},
        )

    def identity(self) -> dict[str, Any]:
        """The values that must not change when a run goes on."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if name not in _NOT_IDENTITY}
