// A .tflite file and its tokenizer, as `keras-bert-zoo export` writes them, in LiteRT.js.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { WordPieceTokenizer } from "./wordpiece.js";

// What turns an output into scores, by the problem type of the config.
const SCORES = {
  single_label_classification: softmax,
  multi_label_classification: (logits) => logits.map((value) => 1 / (1 + Math.exp(-value))),
  regression: (values) => values,
};

let runtime; // the WebAssembly module, loaded once

/** One model: arrays in, arrays out, by the names of its signature. */
export class Model {
  /**
   * @param {string} directory where the files of the artifact are served
   * @param {string} wasm where @litertjs/core/wasm/ is served
   */
  static async load(directory, wasm) {
    const manifest = await fetchJson(`${directory}/manifest.json`);
    const [{ inputs, outputs }] = manifest.signatures;
    const shape = inputs[0].axes;
    if (!shape.every(Number.isInteger)) {
      throw new Error("The model has an open length. Export it with one: --lengths 128.");
    }
    runtime ??= loadLiteRt(wasm);
    await runtime;
    const compiled = await loadAndCompile(`${directory}/model.tflite`, { accelerator: "wasm" });
    return new Model(compiled, manifest.format, shape, outputs);
  }

  constructor(compiled, format, shape, outputs) {
    Object.assign(this, { compiled, format, shape, outputs });
    this.length = shape[1];
  }

  /** @param {Object<string, Int32Array>} inputs */
  async run(inputs) {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, values]) => [name, new Tensor(values, this.shape)]),
    );
    const outputs = await this.compiled.run(tensors);
    const arrays = {};
    for (const { name } of this.outputs) arrays[name] = (await outputs[name].data()).slice();
    // Their memory lies outside JavaScript's heap.
    for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor.delete();
    return arrays;
  }
}

/** A model with a tokenizer and labels. */
export class Classifier {
  static async load(directory, wasm) {
    const files = ["config.json", "tokenizer.json"].map((name) => fetchJson(`${directory}/${name}`));
    const [config, tokenizer] = await Promise.all(files);
    const model = await Model.load(directory, wasm);
    return new Classifier(model, new WordPieceTokenizer(tokenizer), config);
  }

  constructor(model, tokenizer, config) {
    const [{ name }] = model.outputs;
    if (name !== "scores" && name !== "logits") {
      throw new Error(`The model returns ${name}. Export a classifier.`);
    }
    // Files with MediaPipe's metadata compute the scores themselves.
    const score = name === "scores" ? (values) => values : SCORES[config.problem_type];
    const labels = Object.values(config.id2label);
    Object.assign(this, { model, tokenizer, name, score, labels });
  }

  /** @returns {Promise<{scores: {label: string, score: number}[], tokens: string[]}>} */
  async classify(text) {
    const { length } = this.model;
    const outputs = await this.model.run(this.tokenizer.encode(text, length));
    const scores = this.score(Array.from(outputs[this.name]));
    const tokens = this.tokenizer.idsOf(text, length).map((id) => this.tokenizer.tokens.get(id));
    return { scores: this.labels.map((label, index) => ({ label, score: scores[index] })), tokens };
  }
}

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, value) => total + value);
  return powers.map((value) => value / sum);
}

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.json();
}
