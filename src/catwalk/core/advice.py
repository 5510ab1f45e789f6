"""The kinds of advice that an error gives, and phrases that several errors share.

Each error gives one piece of advice, its ``fix``; the first words tell its kind. For each kind a test follows
the advice and then succeeds (tests/core/test_advice.py).
"""

import re
from enum import Enum

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
UPDATE = "update catwalk: git pull, then make setup (in a notebook: install a newer wheel)"
RUN_SEARCH = "run make search"
RUN_PREPARE = "run make prepare"
RUN_PREDICT = "run make predict"
PREDICT_AGAIN = "run make predict again"
BLEND_AGAIN = "run make blend again"
SUBMIT_AGAIN = "run make submit again"
CHOOSE_ONE = "choose one"
CHOOSE_SOURCE = "choose another SOURCE="
CHOOSE_NAME = "choose another name"
FIX_TOML = "fix the TOML"
GIVE_SOLUTION = "use a CSV of ids and labels"
OWN_ID = "give each row of {} a unique id"
# In a notebook on Kaggle or Colab.
INTERNET = "connect and run all cells: on Kaggle, Settings > Turn on internet (needs phone verification)"
ATTACH = "attach them (Kaggle: Add Input), upload them (Colab), or set SOURCE to their folder"
MOUNT = "choose an existing folder; mount Google Drive first (Colab: Files > Mount Drive)"
CHOOSE_ONE_SOURCE = "choose an existing folder, or auto"
LABEL_LAST = 'if the label is the last column, add label = "last" under [columns] in {}'


def check_out(path: str) -> str:
    """The command that restores a file of the repository."""
    return f"git checkout {path}"


_SAVE_ONLY = "save (?:the text|only the token)"
_OF_TOML = r"(?=.*(?:(?:under|above|to) \[|classes|TOML\b|\bshape in|change header))"


class Kind(Enum):
    """What the reader should do; the value is a pattern that such advice matches."""

    RUN = (
        r"run (?!the command again|make setup|git lfs)|git checkout|"
        r"make (?:predict|score|leaderboard|search|serve|submit)\b"
    )
    INSTALL = r"run make setup|sudo apt install|update catwalk"
    WAIT = (
        r"run the command again|the same command|try again|check the network|connect and|wait for it|"
        r"the count starts|is the server on|end it first"
    )
    CHOOSE = (
        r"choose|give (?!each)|set |take theirs|take it from the|use (?!a folder)|compare |write it as|"
        r"leave (?:it out, or add|SOURCE=)|correct (?:it, or leave SOURCE|[A-Z]+=)|(?!WORKERS)[A-Z_]+="
    )
    EDIT_TOML = rf"(?!put it|put them|choose|leave it out){_OF_TOML}"
    EDIT_FILE = (
        rf"(?!{_OF_TOML}|fix the cell|{_SAVE_ONLY}|keep these|write it as|correct it, or leave SOURCE|"
        r"correct [A-Z]+=)(?:fix|save|write|give each|name|correct|keep|expected|make the header|begin with|"
        r"hand in|unpack|end its|if the pixels|add rows|close the quotes|put the label)\b"
    )
    PUT_FILE = r"put (?:it|them|a (?:file|copy) .*) there"
    DOWNLOAD = r"download|run git lfs pull|take it again"
    MOVE_ASIDE = r"move |rename|keep these elsewhere|put back your copy"
    CREDENTIAL = (
        rf"get one|copy |cp |mkdir -p ~/.kaggle|renew|unset|{_SAVE_ONLY}|create a new API token|"
        r"put the (?:password|one)|leave it out, and put|\S+ is damaged: rename it, and copy"
    )
    LOOK = r"join (?:the competition )?and accept|look at|find out|attach|upload|ask whoever"
    MACHINE = (
        r"make (?:room|it readable)|close other|WORKERS=|check the path|use a folder|a proxy|stop what ends"
    )
    CODE = r"undo|put it back|shorten|fix the cell"


def kinds_of(fix: str) -> list[Kind]:
    """The kinds that an error's ``fix`` matches; there should be exactly one."""
    return [kind for kind in Kind if re.match(kind.value, fix)]
