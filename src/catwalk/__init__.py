"""Catwalk: from raw CSVs of pictures to a checked submission.

The way of the data, one module a step: ``data`` (raw CSVs) -> ``prepare`` (arrays, split) -> ``search``
(trials) -> ``ensemble`` (chosen models) -> ``predict`` (predictions) -> ``report`` (the talk).
"""

__version__ = "0.1.0"
