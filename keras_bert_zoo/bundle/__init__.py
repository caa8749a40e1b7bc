"""Model, tokenizer and config as one directory in the Hugging Face layout."""

from keras_bert_zoo.bundle.loading import Bundle, config_of, load, trained_for
from keras_bert_zoo.bundle.saving import save, task_of_model

__all__ = ["Bundle", "config_of", "load", "save", "task_of_model", "trained_for"]
