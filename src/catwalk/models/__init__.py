"""Models: the search space, features, networks and the training step; nothing here depends on a study."""
