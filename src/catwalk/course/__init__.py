"""The stages course and kernel: the exercises, and the notebooks for Kaggle and Colab."""
