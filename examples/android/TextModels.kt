// Not compiled here: written against the documented interfaces of
//   com.google.mediapipe:tasks-text (TextClassifier, TextEmbedder) and
//   com.google.ai.edge.litert:litert 1.x (org.tensorflow.lite.Interpreter).
//
//   keras-bert-zoo export my-bundle --output exports --formats tflite-int8 \
//       --lengths 128 --metadata mediapipe
//
// Put exports/tflite-int8/model.tflite into app/src/main/assets, and keep it uncompressed:
//   android { androidResources { noCompress += "tflite" } }

package org.example.keras_bert_zoo

import android.content.Context
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.text.textclassifier.TextClassifier
import com.google.mediapipe.tasks.text.textembedder.TextEmbedder
import java.nio.FloatBuffer
import java.nio.MappedByteBuffer
import org.tensorflow.lite.Interpreter

/** Label and score of a text, the best first. For a classifier's file with metadata. */
fun classify(context: Context, text: String): List<Pair<String, Float>> =
    TextClassifier.createFromFile(context, "model.tflite").use { classifier ->
        val result = classifier.classify(text).classificationResult().classifications()[0]
        result.categories().map { it.categoryName() to it.score() }.sortedByDescending { it.second }
    }

/** Cosine of two texts. For an encoder's file with metadata. */
fun similarity(context: Context, one: String, other: String): Double {
    val base = BaseOptions.builder().setModelAssetPath("model.tflite").build()
    val options = TextEmbedder.TextEmbedderOptions.builder().setBaseOptions(base).build()
    return TextEmbedder.createFromOptions(context, options).use { embedder ->
        val vectors = listOf(one, other).map { embedder.embed(it).embeddingResult().embeddings()[0] }
        TextEmbedder.cosineSimilarity(vectors[0], vectors[1])
    }
}

/**
 * Any exported file by its signature "ids", for ids that the app computes itself: exact for
 * every language, and the way for cased vocabularies. examples/web/wordpiece.js is a tokenizer
 * of about a hundred lines to port.
 *
 * @param ids from [CLS] to [SEP], at most [length] of them
 * @param output "logits", or "scores" of a file with metadata
 */
fun run(
    model: MappedByteBuffer, ids: IntArray, length: Int, classes: Int, output: String,
): FloatArray =
    Interpreter(model).use { interpreter ->
        val inputs = mapOf<String, Any>(
            "input_ids" to arrayOf(ids.copyOf(length)),
            "attention_mask" to arrayOf(IntArray(length) { if (it < ids.size) 1 else 0 }),
            "token_type_ids" to arrayOf(IntArray(length)),
        )
        val scores = FloatBuffer.allocate(classes)
        interpreter.runSignature(inputs, mapOf<String, Any>(output to scores), "ids")
        scores.array()
    }
