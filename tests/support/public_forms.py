"""Made-up files in the form of public data sets: names, columns, order, types and labels are theirs.

The pictures are scikit-learn's digits, in at most 1,000 rows. Each function writes its files into an empty
folder and returns what is right about them; they are always the same.
"""

from tests.support.forms import letters, mnist_like, photographs, unseen
from tests.support.forms.expected import Expected as Expected  # the tests take it from here
from tests.support.forms.expected import Form

FORMS: dict[str, Form] = {
    "fashion-mnist": mnist_like.fashion_mnist,
    "sign-language-mnist": mnist_like.sign_language_mnist,
    "digit-recognizer": mnist_like.digit_recognizer,
    "kannada-mnist": mnist_like.kannada_mnist,
    "mnist-in-csv": mnist_like.mnist_in_csv,
    "emnist-balanced": letters.emnist_balanced,
    "emnist-letters": letters.emnist_letters,
    "kuzushiji": mnist_like.kuzushiji,
    "kuzushiji-with-ids": mnist_like.kuzushiji_with_ids,
    "ham10000-8-8-l": photographs.ham10000_8_8_l,
    "ham10000-28-28-rgb": photographs.ham10000_28_28_rgb,
    "devanagari": letters.devanagari,
    "az-handwritten": letters.az_handwritten,
    "az-saved-by-pandas": letters.az_saved_by_pandas,
    "az-numbered": letters.az_numbered,
    "ahcd": letters.ahcd,
    "fer2013": photographs.fer2013,
    "fer2013-icml": photographs.fer2013_icml,
    "fer2013-competition": photographs.fer2013_competition,
    "cifar-10": photographs.cifar10,
    "cifar-10-competition": photographs.cifar10_competition,
    "optdigits": mnist_like.optdigits,
}

# Of no public data in particular: what reads only the forms above by their names does not read these.
OTHER_FORMS: dict[str, Form] = {
    "semicolons": unseen.semicolons,
    "saved-twice": unseen.saved_twice,
    "sixteen-bits": unseen.sixteen_bits,
    "interleaved": unseen.interleaved,
    "text-ids": unseen.text_ids,
    "labels-by-place": unseen.labels_by_place,
    "labels-by-id": unseen.labels_by_id,
    "medmnist-like": unseen.medmnist_like,
    "floats": unseen.floats,
}
