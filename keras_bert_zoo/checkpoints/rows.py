"""What tables of architectures are made of: the rows of one layer."""

from __future__ import annotations

from collections.abc import Mapping

from keras_bert_zoo.checkpoints.architecture import Row


def linear(tensor: str, variable: str, *, in_encoder: bool = True) -> tuple[Row, Row]:
    """The rows of a ``layers.Linear``."""
    return (
        Row(f"{tensor}.weight", f"{variable}/kernel", transposed=True, in_encoder=in_encoder),
        Row(f"{tensor}.bias", f"{variable}/bias", in_encoder=in_encoder),
    )


def norm(tensor: str, variable: str, *, in_encoder: bool = True) -> tuple[Row, Row]:
    """The rows of a ``layers.LayerNorm``."""
    return (
        Row(f"{tensor}.weight", f"{variable}/gamma", in_encoder=in_encoder),
        Row(f"{tensor}.bias", f"{variable}/beta", in_encoder=in_encoder),
    )


def table(tensor: str, variable: str) -> Row:
    """The row of an embedding table."""
    return Row(f"{tensor}.weight", variable)


# The layers of a ``layers.EncoderBlock``, and BERT's names for them.
BLOCK: Mapping[str, str] = {
    "attention/query": "attention.self.query",
    "attention/key": "attention.self.key",
    "attention/value": "attention.self.value",
    "attention/output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}


def block(
    tensor: str, variable: str, names: Mapping[str, str] = BLOCK, *, in_encoder: bool = True
) -> tuple[Row, ...]:
    """The rows of a ``layers.EncoderBlock``."""
    return tuple(
        row
        for ours, theirs in names.items()
        for row in (norm if ours.endswith("norm") else linear)(
            f"{tensor}.{theirs}", f"{variable}/{ours}", in_encoder=in_encoder
        )
    )


def head(tensor: str, variable: str) -> tuple[Row, Row]:
    """The rows of a linear layer outside of the encoder."""
    return linear(tensor, variable, in_encoder=False)


def predictions(transform: str, normalization: str, bias: str) -> tuple[Row, ...]:
    """The rows of a ``layers.MaskedLMHead``: its decoder is the word table."""
    return (
        *head(transform, "predictions/transform"),
        *norm(normalization, "predictions/norm", in_encoder=False),
        Row(bias, "predictions/bias", in_encoder=False),
    )


def embeddings() -> tuple[Row, ...]:
    """The rows of BERT's embeddings, by BERT's names."""
    tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    return (
        *(table(f"embeddings.{name}", f"embeddings/{name}") for name in tables),
        *norm("embeddings.LayerNorm", "embeddings/norm"),
    )
