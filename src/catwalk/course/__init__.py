"""The stages course and kernel: the course exercises, and the notebooks for Kaggle and Colab."""
