"""Features: what the networks see of a picture, fixed preprocessing that ``network`` builds into them.

"pixels": raw pixels, standardised. "gradients": oriented gradients in cells of two sizes beside the pixels.
"""

from catwalk.errors import UserError

CHOICES = ("auto", "pixels")
SMALLEST = 6  # pixels a side, for which cells make sense


def resolve(choice: str, shape: tuple[int, ...]) -> str:
    """The name of the features meant by ``FEATURES=``; part of the study's name.

    Args:
        choice: what the user wrote.
        shape: of a picture.

    Raises:
        UserError: there is no such choice.
    """
    if choice not in CHOICES:
        raise UserError(f"FEATURES={choice}: choose one of {', '.join(CHOICES)}")
    return "pixels" if choice == "pixels" or min(shape[:2]) < SMALLEST else "gradients"
