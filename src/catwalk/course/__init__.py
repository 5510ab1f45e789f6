"""The stages course, kernel and wheel: the course exercises, and the notebooks for Kaggle and Colab."""
