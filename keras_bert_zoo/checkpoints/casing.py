"""Whether a tokenizer lowers the case, where no file says so.

Google's checkpoints leave it to the user, and its scripts only check what he says against the
names of the published ones (``tokenization.validate_case_matches_checkpoint``). Here the words of
these names decide, and the vocabulary: no text in lower case gives it a capital.
"""

from __future__ import annotations

import logging
import pathlib
import re
from collections.abc import Iterable

# Files that say it themselves.
STATED_IN = ("tokenizer.json", "tokenizer_config.json")
# The first that is part of a name decides: "multi_cased_L-12_H-768_A-12".
_WORDS = {"uncased": True, "cased": False, "multilingual": True, "chinese": True}
_SAID = {True: "lower case", False: "both cases", None: "neither"}

_log = logging.getLogger(__name__)


def lower_case(directory: pathlib.Path, vocabulary: pathlib.Path) -> bool:
    """Whether a checkpoint was trained on text in lower case; warns where that is not sure.

    Args:
        directory: of the checkpoint, whose name counts.
        vocabulary: a file with a token a line.
    """
    words = vocabulary.read_text(encoding="utf-8", errors="replace").split("\n")
    named, spelled = _by_name(directory.resolve().name), _by_vocabulary(words)
    answers = [answer for answer in (named, spelled) if answer is not None]
    chosen = answers[0] if answers else True
    if set(answers) != {chosen}:
        _log.warning(
            "Is the text of %s in lower case? The name of the directory says %s, its vocabulary "
            "%s. Taken is do_lower_case=%s: pass do_lower_case to say what is right.",
            directory,
            _SAID[named],
            _SAID[spelled],
            chosen,
        )
    return chosen


def _by_name(name: str) -> bool | None:
    words = re.findall("[a-z]+", name.lower())
    return next((lower for word, lower in _WORDS.items() if word in words), None)


def _by_vocabulary(vocabulary: Iterable[str]) -> bool | None:
    words = [word for word in vocabulary if not re.fullmatch(r"\[.*\]", word)]
    if any(word != word.lower() for word in words):
        return False
    # Scripts without cases, such as Chinese alone, say nothing.
    return True if any(word != word.upper() for word in words) else None
