"""The kinds of advice that errors give, by the first words of their ``fix``: see core/test_advice.py."""

import re
from enum import Enum

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
        r"the count starts|is the server on|end (?:it first|or continue)"
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
    CODE = r"undo|fix the cell"


def kinds_of(fix: str) -> list[Kind]:
    """The kinds that an error's ``fix`` matches; there should be exactly one."""
    return [kind for kind in Kind if re.match(kind.value, fix)]
