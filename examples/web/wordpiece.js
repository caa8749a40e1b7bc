// The WordPiece tokenizer of BERT, from the tokenizer.json that `keras-bert-zoo export` writes:
// the ids of Hugging Face's BertTokenizerFast, in a browser or in Node.

import { CHINESE, DELETED, MARKS, PUNCTUATION, SPACES } from "./unicode.js";

const PARTS = {
  normalizer: "BertNormalizer",
  pre_tokenizer: "BertPreTokenizer",
  model: "WordPiece",
  post_processor: "TemplateProcessing",
};

export class WordPieceTokenizer {
  /** @param {object} content the parsed tokenizer.json */
  constructor(content) {
    checkKind(content);
    const { model, normalizer, post_processor: template, added_tokens: added } = content;
    this.ids = new Map(Object.entries(model.vocab));
    for (const token of added) this.ids.set(token.content, token.id);
    this.tokens = new Map(Array.from(this.ids, ([token, id]) => [id, token]));
    this.prefix = model.continuing_subword_prefix;
    this.longestWord = model.max_input_chars_per_word;
    this.unknown = this.ids.get(model.unk_token);
    this.normalizer = normalizer;
    this.special = splitterOf(added.map((token) => token.content));
    [this.first, this.last] = [0, 2].map((place) =>
      this.ids.get(template.single[place].SpecialToken.id),
    );
    this.padding = this.ids.get("[PAD]") ?? 0;
  }

  /**
   * Encodes one text for a model with rows of a fixed length: truncated, then padded.
   * @param {string} text
   * @param {number} length tokens in a row
   * @returns {{input_ids: Int32Array, attention_mask: Int32Array, token_type_ids: Int32Array}}
   */
  encode(text, length) {
    const ids = this.idsOf(text, length);
    const inputs = {
      input_ids: new Int32Array(length).fill(this.padding),
      attention_mask: new Int32Array(length).fill(1, 0, ids.length),
      token_type_ids: new Int32Array(length),
    };
    inputs.input_ids.set(ids);
    return inputs;
  }

  /** Ids from [CLS] to [SEP], at most `length` of them, without padding. */
  idsOf(text, length = Infinity) {
    return [this.first, ...this.pieces(text).slice(0, length - 2), this.last];
  }

  /** Ids of a text without [CLS] and [SEP]. */
  pieces(text) {
    // Splitting by an expression with a group keeps what it matched, at the odd places.
    const parts = text.split(this.special);
    return parts.flatMap((part, place) =>
      place % 2 ? [this.ids.get(part)] : this.words(part).flatMap((word) => this.cut(word)),
    );
  }

  /** Words, punctuation and Chinese characters, normalised. */
  words(text) {
    const { handle_chinese_chars: chinese, strip_accents: strip, lowercase } = this.normalizer;
    let normal = text.replace(DELETED, "").replace(SPACES, " ");
    if (chinese) normal = normal.replace(CHINESE, " $& ");
    if (strip ?? lowercase) normal = normal.normalize("NFD").replace(MARKS, "");
    // The reference lowers each character by itself, so no sigma is a final one.
    if (lowercase) normal = normal.replaceAll("Σ", "σ").toLowerCase();
    return normal.replace(PUNCTUATION, " $& ").split(" ").filter(Boolean);
  }

  /** Ids of the longest pieces that spell a word, from its beginning. */
  cut(word) {
    const characters = Array.from(word);
    if (characters.length > this.longestWord) return [this.unknown];
    const ids = [];
    for (let start = 0, end; start < characters.length; start = end) {
      for (end = characters.length; end > start; end--) {
        const piece = characters.slice(start, end).join("");
        const id = this.ids.get(start ? this.prefix + piece : piece);
        if (id !== undefined) {
          ids.push(id);
          break;
        }
      }
      if (end === start) return [this.unknown];
    }
    return ids;
  }
}

function checkKind(content) {
  for (const [part, kind] of Object.entries(PARTS)) {
    const found = content[part]?.type ?? "missing";
    if (found !== kind) {
      throw new Error(`tokenizer.json is not BERT's: ${part} is ${found}, expected ${kind}.`);
    }
  }
  const flags = ["lstrip", "rstrip", "single_word", "normalized"];
  const strange = content.added_tokens.filter((token) => flags.some((flag) => token[flag]));
  if (strange.length) {
    const names = strange.map((token) => token.content).join(", ");
    throw new Error(`tokenizer.json: the added tokens ${names} do not match literally.`);
  }
}

/** An expression that finds special tokens written in a text, the longest first. */
function splitterOf(tokens) {
  const longestFirst = tokens.toSorted((one, other) => other.length - one.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`(${escaped.join("|")})`);
}
