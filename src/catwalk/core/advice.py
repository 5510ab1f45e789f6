"""Advice: phrases that the ``fix`` of several errors share.

Each error gives one piece of advice, its ``fix``; the first words tell its kind. For each kind a test follows
the advice and then succeeds (tests/core/test_advice.py).
"""

RUN_AGAIN = "run the command again"
TRY_LATER = "try again later"
CHECK_NETWORK = f"check the network and {RUN_AGAIN}"
WAIT_OR_END = "wait for it to finish, or stop it"
MAKE_ROOM = f"make room on the disk and {RUN_AGAIN}"
ON_THE_CORES = "set CUDA_VISIBLE_DEVICES=-1 before the command, which computes on the CPU cores then"
CLOSE_PROGRAMS = "close other programs, or set WORKERS=1"
DOWNLOAD_AGAIN = "download it again"
UNPACK = "unpack it yourself"
DATA_AGAIN = "run make data again, or set another SOURCE="
RUN_SETUP = "run make setup"
UPDATE = (
    "update catwalk: git pull, then make setup "
    "(in a notebook: attach or upload the newer wheel or notebook in place of the older one)"
)
RUN_SEARCH = "run make search"
RUN_PREPARE = "run make prepare"
RUN_PREDICT = "run make predict"
PREDICT_AGAIN = "run make predict again"
BLEND_AGAIN = "run make blend again"
SUBMIT_AGAIN = "run make submit again"
CHOOSE_ONE = "choose one"
CHOOSE_SOURCE = "choose another SOURCE="
CHOOSE_NAME = "choose another name"
OTHER_DATA = "choose a new COMPETITION= for other data"
FIX_TOML = "fix the TOML"
GIVE_SOLUTION = "use a CSV of ids and labels"
OWN_ID = "give each row of {} a unique id"
# In a notebook on Kaggle or Colab.
INTERNET = "connect and run all cells: on Kaggle, Settings > Turn on internet (needs phone verification)"
LATEST_IMAGE = "choose the latest environment (Kaggle) or runtime version (Colab), and run all cells"
ATTACH = "attach them (Kaggle: Add Input), upload them (Colab), or set SOURCE to their folder"
MOUNT = "choose an existing folder; mount Google Drive first (Colab: Files > Mount Drive)"
CHOOSE_ONE_SOURCE = "choose an existing folder, or auto"
LABEL_LAST = 'if the label is the last column, add label = "last" under [columns] in {}'


def check_out(path: str) -> str:
    """The command that restores a file of the repository."""
    return f"git checkout {path}"
