"""The kinds of advice that an error gives, and the words that several of them share.

An error has one advice, its ``fix``; how it begins tells its kind. Each kind has a test that does what the
line says and then succeeds (tests/test_advice.py).
"""

import re
from enum import Enum

RUN_AGAIN = "run the command again"
TRY_LATER = "try again later"
CHECK_NETWORK = f"check the network and {RUN_AGAIN}"
WAIT_OR_END = "wait for it, or end it"
MAKE_ROOM = f"make room on the disk and {RUN_AGAIN}"
CLOSE_PROGRAMS = "close other programs, or WORKERS=1"
DOWNLOAD_AGAIN = "download it again"
UNPACK = "unpack it yourself"
DATA_AGAIN = "run make data again, or set another SOURCE="
RUN_SETUP = "run make setup"
UPDATE = "update catwalk: git pull, then make setup (in a notebook: a newer wheel)"
RUN_SEARCH = "run make search"
RUN_PREPARE = "run make prepare"
RUN_PREDICT = "run make predict"
PREDICT_AGAIN = "run make predict again"
SUBMIT_AGAIN = "make submit again"
CHOOSE_ONE = "choose one"
CHOOSE_SOURCE = "choose another SOURCE="
CHOOSE_NAME = "choose another name"
FIX_TOML = "fix the TOML"
GIVE_SOLUTION = "give a CSV of ids and labels"
OWN_ID = "give each row of {} its own id"
# In a notebook on Kaggle or Colab.
INTERNET = "connect and run all cells: on Kaggle, Settings > Turn on internet (it asks for a verified phone)"
ATTACH = "attach them, on Kaggle by Add Input; on Colab upload them, or name their folder in SOURCE"
MOUNT = "choose a folder that is there; Google Drive has to be mounted first (Colab: Files > Mount Drive)"
CHOOSE_ONE_SOURCE = "choose a folder that is there, or auto"
LABEL_LAST = 'is the label the last column? then add label = "last" below [columns] in {}'


def check_out(path: str) -> str:
    """The command that brings back a file of the repository."""
    return f"git checkout {path}"


_OF_TOML = r"(?=.*(?:(?:below|above|to) \[|classes|TOML\b|\bshape in|take header))"


class Kind(Enum):
    """What the reader is to do; the value is a pattern of how such advice begins."""

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
        rf"(?!{_OF_TOML}|fix the cell|save the text|keep these|write it as|correct it, or leave SOURCE|"
        r"correct [A-Z]+=)(?:fix|save|write|give each|name|correct|keep|expected|begin with|hand in|unpack|"
        r"end its|are the|add rows|close the quotes|put the label)\b"
    )
    PUT_FILE = r"put (?:it|them|a (?:file|copy) .*) there"
    DOWNLOAD = r"download|run git lfs pull|take it again"
    MOVE_ASIDE = r"move |rename|keep these elsewhere|put back your copy"
    CREDENTIAL = (
        r"get one|copy |cp |mkdir -p ~/.kaggle|renew|unset|save the text|make a new credential|"
        r"put the (?:password|one)|leave it out, and put|\S+ is damaged: rename it, and copy"
    )
    LOOK = r"join (?:it )?and accept|look at (?!the path)|attach|upload|ask whoever"
    MACHINE = (
        r"make (?:room|it readable)|close other|WORKERS=|look at the path|use a folder|a proxy|stop what ends"
    )
    CODE = r"undo|put it back|shorten|fix the cell"


def kinds_of(fix: str) -> list[Kind]:
    """The kinds that an error's ``fix`` may be; there is exactly one."""
    return [kind for kind in Kind if re.match(kind.value, fix)]
