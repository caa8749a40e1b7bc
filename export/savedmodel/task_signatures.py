"""Which tasks a SavedModel answers to strings, of those whose answer is no class and no embedding.

TensorFlow only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .choice_answers import Choices, Follows, Words
from .span_answers import Spans
from .summary_answers import SentenceSummaries, Summaries
from .tag_answers import Tags

SIGNATURES: Mapping[str, tuple[Any, ...]] = {
    "token_classification": (Tags,),
    "question_answering": (Spans,),
    "multiple_choice": (Choices,),
    "next_sentence": (Follows,),
    "masked_lm": (Words,),
    "extractive_summarization": (Summaries, SentenceSummaries),
}
