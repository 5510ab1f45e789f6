"""Scope: what a study searches, its features and families of networks, as one name.

"local" or "pixels" are studies of dense networks; "local.conv" and "local.all" are of the other families.
"""

DENSE = "dense"  # the default of MODELS=


def name(features: str, models: str) -> str:
    """The scope's name, part of the study's.

    Args:
        features: a resolved name, see ``models.features``.
        models: a key of ``space.MODELS``.
    """
    return features if models == DENSE else f"{features}.{models}"


def features_of(scope: str) -> str:
    """Its features: "local" or "pixels"."""
    return scope.partition(".")[0]


def models_of(scope: str) -> str:
    """Its families of networks: a key of ``space.MODELS``."""
    return scope.partition(".")[2] or DENSE
