"""Features: what the networks see of a picture. So far the raw pixels, standardised inside the network."""

from catwalk.errors import UserError

CHOICES = ("auto", "pixels")


def resolve(choice: str) -> str:
    """The name of the features meant by ``FEATURES=``; part of the study's name.

    Raises:
        UserError: there is no such choice.
    """
    if choice not in CHOICES:
        raise UserError(f"FEATURES={choice}: choose one of {', '.join(CHOICES)}")
    return "pixels"
