// Not compiled here: written against the documented interfaces of
//   the pods MediaPipeTasksText (TextClassifier, TextEmbedder) and
//   TensorFlowLiteSwift (Interpreter, SignatureRunner).
//
//   keras-bert-zoo export my-bundle --output exports --formats tflite-int8 \
//       --lengths 128 --metadata mediapipe
//
// Add exports/tflite-int8/model.tflite to the resources of the app.

import Foundation
import MediaPipeTasksText
import TensorFlowLite

let modelPath = Bundle.main.path(forResource: "model", ofType: "tflite")!

/// Label and score of a text, the best first. For a classifier's file with metadata.
func classify(_ text: String) throws -> [(label: String, score: Float)] {
  let classifier = try TextClassifier(modelPath: modelPath)
  let result = try classifier.classify(text: text)
  let categories = result.classificationResult.classifications[0].categories
  return categories
    .map { (label: $0.categoryName ?? "", score: $0.score) }
    .sorted { $0.score > $1.score }
}

/// Cosine of two texts. For an encoder's file with metadata.
func similarity(_ one: String, _ other: String) throws -> Double {
  let embedder = try TextEmbedder(modelPath: modelPath)
  let vectors = try [one, other].map {
    try embedder.embed(text: $0).embeddingResult.embeddings[0]
  }
  return try TextEmbedder.cosineSimilarity(embedding1: vectors[0], embedding2: vectors[1])
    .doubleValue
}

/// Any exported file by its signature "ids", for ids that the app computes itself: exact for
/// every language, and the way for cased vocabularies. examples/web/wordpiece.js is a tokenizer
/// of about a hundred lines to port.
///
/// - Parameters:
///   - ids: from [CLS] to [SEP], at most `length` of them
///   - output: "logits", or "scores" of a file with metadata
func run(ids: [Int32], length: Int, output: String) throws -> [Float] {
  let interpreter = try Interpreter(modelPath: modelPath)
  let runner = try interpreter.signatureRunner(with: "ids")
  let padding = [Int32](repeating: 0, count: length - ids.count)
  let inputs: [String: [Int32]] = [
    "input_ids": ids + padding,
    "attention_mask": ids.map { _ in 1 } + padding,
    "token_type_ids": [Int32](repeating: 0, count: length),
  ]
  try runner.invoke(with: inputs.mapValues { $0.withUnsafeBufferPointer { Data(buffer: $0) } })
  let data = try runner.output(named: output).data
  return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
}
