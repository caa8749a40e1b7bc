// Reads {"tokenizer": path, "texts": [...]} from standard input, writes the ids of each text.

import { readFileSync, writeFileSync } from "node:fs";
import { WordPieceTokenizer } from "../../../examples/web/wordpiece.js";

const { tokenizer: path, texts } = JSON.parse(readFileSync(0, "utf8"));
const tokenizer = new WordPieceTokenizer(JSON.parse(readFileSync(path, "utf8")));
writeFileSync(1, JSON.stringify(texts.map((text) => tokenizer.idsOf(text))));
