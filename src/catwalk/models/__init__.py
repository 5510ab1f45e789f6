"""What is trained: the search space, features, networks, the training step; nothing here knows of a study."""
