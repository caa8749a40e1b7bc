"""BERT's text normalisation as data for tensorflow-text's normaliser op.

tensorflow-text's own tables fold full-width punctuation and follow ICU, not the published
tokenizer. Its op, however, takes the mapping as a buffer. The one built here isolates
punctuation and Chinese characters between spaces, turns white space into spaces, deletes
control characters and, on request, lowers case and strips accents: what stands between
spaces afterwards is exactly the words of the reference. ``unicode.npz`` was read off the
reference by ``scripts/build_unicode_tables.py``.
"""

from __future__ import annotations

import functools
import importlib.resources
import re

import flatbuffers
import numpy as np

# Private-use characters that stand for special tokens written in a text. The reference
# deletes private-use characters, so that none of these can come from a text itself.
STAND_INS = range(0xE000, 0xE400)

# Layout of one unit of a darts-clone double array (S. Yata, darts-clone).
_OFFSET_SHIFT = 10
_HAS_LEAF = 1 << 8
_IS_LEAF = 1 << 31
# Layout of a value: a flag, where the replacement starts in the pool, its length in bytes.
_IS_CHANGED = 1 << 30
_START_SHIFT = 6
# The root's children lie here; the nodes of continuation bytes follow in blocks of 64.
_ROOT = 256


@functools.lru_cache
def normalizer_model(
    *, lower: bool, strip: bool, chinese: bool, stand_ins: bool = True
) -> np.ndarray:
    """Builds the model buffer of tensorflow-text's ``FastBertNormalizer``.

    Args:
        lower: lower the case.
        strip: decompose (NFD) and delete combining marks.
        chinese: isolate Chinese characters.
        stand_ins: keep the stand-ins of special tokens, and isolate them.

    Returns:
        The flatbuffer, ``uint8`` of rank 1.
    """
    mapping = _replacements(lower, strip, chinese)
    if stand_ins:
        mapping |= {point: b" %s " % chr(point).encode() for point in STAND_INS}
    return _model(mapping, lower and strip)


@functools.lru_cache
def counting_model(*, lower: bool, strip: bool, chinese: bool) -> np.ndarray:
    """The same without stand-ins, each character of a word written as one byte.

    The words of a text normalised so are as many bytes long as the words themselves have
    characters: for runtimes that cannot count characters.
    """
    mapping = dict.fromkeys((*range(128, 55296), *range(57344, 1114112)), b"a")
    for point, text in _replacements(lower, strip, chinese).items():
        mapping[point] = re.sub(r"[^ ]", "a", text.decode()).encode()
    return _model(mapping, lower and strip)


def _model(mapping: dict[int, bytes], lower_and_strip: bool) -> np.ndarray:
    mapping = dict(sorted(mapping.items()))
    texts, indices = np.unique(list(mapping.values()), return_inverse=True)
    lengths = np.array([len(text) for text in texts])
    starts = np.cumsum(lengths) - lengths
    values = _IS_CHANGED | starts << _START_SHIFT | lengths
    points = np.fromiter(mapping, np.int64, len(mapping))
    trie = _double_array(_utf8_keys(points[1:]), indices[1:], values)
    zero = int(values[indices[0]])  # the smallest of all, always replaced, is code point 0
    return _flatbuffer(trie, zero, b"".join(texts.tolist()), lower_and_strip)


def _replacements(lower: bool, strip: bool, chinese: bool) -> dict[int, bytes]:
    """Code point to replacement; a code point that is not there stays as it is."""
    name = f"lower{lower:d}_strip{strip:d}"
    resource = importlib.resources.files(__package__).joinpath("unicode.npz")
    with resource.open("rb") as file, np.load(file) as tables:
        points = np.cumsum(tables[f"{name}_steps"]).tolist()
        mapping = dict(zip(points, tables[f"{name}_texts"].tolist(), strict=True))
        isolated = np.cumsum(tables["chinese_steps"]).tolist() if chinese else []
    for point in isolated:
        mapping[point] = b" %s " % mapping.get(point, chr(point).encode())
    return mapping


def _utf8_keys(points: np.ndarray) -> np.ndarray:
    """The UTF-8 bytes of ascending code points as one big-endian integer each."""
    keys = []
    for width, first, last in (
        (1, 0, 0x80),
        (2, 0x80, 0x800),
        (3, 0x800, 1 << 16),
        (4, 1 << 16, 1 << 21),
    ):
        text = "".join(map(chr, points[(points >= first) & (points < last)])).encode()
        digits = np.frombuffer(text, np.uint8).reshape(-1, width).astype(np.int64)
        keys.append(digits @ (256 ** np.arange(width)[::-1]))
    return np.concatenate(keys)


def _double_array(keys: np.ndarray, indices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Builds the trie without search: a block of 64 units for each set of last bytes.

    Args:
        keys: UTF-8 keys, see ``_utf8_keys``.
        indices: for each key, the index of its value.
        values: the values, below ``2**31``.

    Returns:
        ``uint32`` units: the child of ``node`` at ``byte`` is ``node ^ offset ^ byte``, its
        value at byte 0.
    """
    parents = np.unique(keys[keys > 0xFF] >> 8)
    inner = [parents[parents > 0xFF] >> 8]
    inner.append(inner[0][inner[0] > 0xFF] >> 8)
    prefixes, numbers = _numbered_blocks(keys, indices, parents, np.unique(np.concatenate(inner)))
    # A continuation byte is 0x80 + its six bits: bit 7 of the base is flipped back by it.
    bases = (2 * _ROOT + 64 * numbers) ^ 0x80
    leaves = 2 * _ROOT + 64 * (numbers.max() + 1) + np.arange(len(values))

    def position(node: np.ndarray) -> np.ndarray:
        found = np.searchsorted(prefixes, node >> 8).clip(max=len(prefixes) - 1)
        return np.where(node > 0xFF, bases[found], _ROOT) ^ (node & 0xFF)

    units = np.zeros(-(-(leaves[-1] + 1) // 256) * 256, np.uint32)
    units[0] = _ROOT << _OFFSET_SHIFT
    at = position(prefixes)
    units[at] = (at ^ bases) << _OFFSET_SHIFT | (prefixes & 0xFF)
    at = position(keys)
    units[at] = (at ^ leaves[indices]) << _OFFSET_SHIFT | _HAS_LEAF | (keys & 0xFF)
    units[leaves] = values | _IS_LEAF
    return units


def _numbered_blocks(
    keys: np.ndarray, indices: np.ndarray, parents: np.ndarray, inner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gives each prefix of keys a block; those with the same values below share one.

    Sharing keeps the private-use planes, deleted whole, from costing half a megabyte.
    """
    below = np.full((len(parents), 64), -1)
    long = keys > 0xFF
    below[np.searchsorted(parents, keys[long] >> 8), keys[long] & 0x3F] = indices[long]
    blocks, shared = np.unique(below, axis=0, return_inverse=True)
    prefixes = np.concatenate([parents, inner])
    numbers = np.concatenate([shared.reshape(-1), len(blocks) + np.arange(len(inner))])
    order = np.argsort(prefixes)
    return prefixes[order], numbers[order]


def _flatbuffer(trie: np.ndarray, zero: int, pool: bytes, lower_and_strip: bool) -> np.ndarray:
    """Packs the parts as tensorflow-text's ``FastBertNormalizerModel``."""
    builder = flatbuffers.Builder(trie.nbytes + len(pool) + 1024)
    packed_pool = builder.CreateNumpyVector(np.frombuffer(pool, np.uint8))
    packed_trie = builder.CreateNumpyVector(trie)
    builder.StartObject(4)
    builder.PrependBoolSlot(0, lower_and_strip, False)
    builder.PrependUOffsetTRelativeSlot(1, packed_trie, 0)
    builder.PrependInt32Slot(2, zero, 0)
    builder.PrependUOffsetTRelativeSlot(3, packed_pool, 0)
    builder.Finish(builder.EndObject())
    return np.frombuffer(bytes(builder.Output()), np.uint8)
