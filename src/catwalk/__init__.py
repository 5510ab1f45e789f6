"""Catwalk: from raw CSVs of pictures to a checked submission.

The pipeline: ``data`` (raw CSVs) -> ``prepare`` (arrays, split) -> ``search`` (trials) -> ``predict``
(ensemble, predictions) -> ``report`` (the talk). docs/architecture.md lists the packages.
"""

__version__ = "0.2.0"
