from __future__ import annotations

import pytest

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.data.pretraining.options import BatchOptions, MaskingOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"masking": "words"}, "masking must be one of.*whole_word.*'words'"),
        ({"sentences": "nsp"}, "sentences must be one of.*next.*'nsp'"),
        ({"masked_lm_prob": 0.0}, "masked_lm_prob must be between 0 and 1, received 0.0"),
        ({"masked_lm_prob": float("nan")}, "masked_lm_prob must be between"),
        ({"max_predictions_per_seq": 0}, "max_predictions_per_seq must be at least 1"),
        ({"mask_rate": 0.95}, "at most 1 together, received 0.95 and 0.1"),
        ({"random_rate": -0.1}, "0 or more"),
        ({"max_predictions_per_seq": 126}, r"\(126\) must be at most 125"),
        ({"short_seq_prob": 1.5}, "short_seq_prob"),
        ({"objective": "clm"}, "objective must be one of.*causal.*'clm'"),
        ({"objective": "causal"}, "'causal' needs sentences='none', received 'next'"),
        ({"objective": "causal", "masking": "span"}, "masks nothing: leave masking out"),
        ({"packed": True}, "packed rows need sentences='none', received 'next'"),
        (
            {"max_length": 4, "max_predictions_per_seq": 1},
            "max_length must be at least 5 with sentences='next', received 4",
        ),
    ],
)
def test_impossible_batches_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        BatchOptions(**values)


def test_what_is_predicted():
    causal = BatchOptions(objective="causal", sentences="none", max_length=16)
    assert (causal.predictions, BatchOptions().predictions) == (16, 20)


def test_all_complaints_come_at_once():
    with pytest.raises(ConfigError, match=r"masked_lm_prob.*mask_rate.*packed"):
        BatchOptions(masked_lm_prob=1.0, mask_rate=2.0, packed=True)


def test_the_smallest_rows_are_accepted():
    assert BatchOptions(max_length=5, max_predictions_per_seq=2).capacity == 2
    one = BatchOptions(max_length=3, max_predictions_per_seq=1, sentences="none", packed=True)
    assert one.capacity == 1
    # 0.9 and 0.1 are one together, whatever their sum is in floating point.
    assert MaskingOptions(mask_rate=0.9, random_rate=0.1)
    assert MaskingOptions(mask_rate=0.0, random_rate=1.0)
