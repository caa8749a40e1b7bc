"""SavedModels with their signatures, and the directories that TensorFlow Serving serves."""
