"""Serve: runs a PostgreSQL server for a team's shared study, as the current user, in its own folder."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catwalk.core import advice, extras, locks
from catwalk.core.errors import MachineError, UserError, shown
from catwalk.core.paths import Paths, atomic_write
from catwalk.search import progress

if TYPE_CHECKING:
    import psycopg

USER = DATABASE = "catwalk"
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
CONNECTIONS = 400  # a process of a search holds two: 20 machines with 8 workers each need 360
STARTING = 60.0  # seconds until it answers
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # hosts that are this machine
# A tunnel that is broken or whose port is taken must end; else queries would wait for a quarter of an hour.
TUNNEL = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o ExitOnForwardFailure=yes"
SYSTEM_USER = "postgres"  # PostgreSQL refuses to run as root; Debian's package makes this user


def run(paths: Paths, *, host: str, port: int, variables: dict[str, str], say: Callable[[str], None]) -> None:
    """Run the server until Ctrl-C; the first time, create it with its own password.

    Args:
        paths: the competition's.
        host: the address it listens on.
        port: a TCP port.
        variables: SEED, FEATURES and MODELS that the team is to use; if its study is there already, those
            of the study are.
        say: takes lines for people.

    Raises:
        UserError: PostgreSQL is not installed, the port is taken, or a server is already running here.
        MachineError: it does not start.
    """
    with running(paths, host, port, say) as process:
        for line in _lines(paths, host, port, _of_study(paths, host, port) or variables):
            say(line)
        process.wait()
        raise MachineError(f"PostgreSQL has stopped: {_last_line(paths)}", fix=_read_log(paths))


@contextlib.contextmanager
def running(
    paths: Paths, host: str, port: int, say: Callable[[str], None]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Context in which the server runs and accepts connections; arguments and errors as for ``run``."""
    binaries = _binaries()
    extras.ensure("psycopg", say)
    paths.server.mkdir(parents=True, exist_ok=True)
    cluster = paths.server_cluster(as_root=os.geteuid() == 0)
    with contextlib.ExitStack() as held:
        for folder in (paths.server, cluster):  # of a copied project, the link leads to the same files
            if folder.is_dir() and not held.enter_context(locks.locked(folder, wait=False)):
                raise UserError(f"a server already runs in {paths.shown(folder)}", fix="end it first")
        _end_orphaned(binaries, cluster, say)
        _refuse_taken(host, port)
        if not (cluster / "PG_VERSION").is_file():
            say("serve: creating the database (only once)")
            _initialise(paths, binaries, cluster)
            held.enter_context(locks.locked(cluster, wait=False))
        _say_where(paths, cluster, say)
        process = _start(paths, binaries, cluster, host, port)
        try:
            _wait_for(paths, process, host, port)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)  # rolls back running transactions
            process.wait()


def _binaries() -> Path:
    """The folder with initdb and postgres of the newest version."""
    found = [Path(place) for pattern in PLACES for place in sorted(Path("/").glob(pattern[1:]), key=_version)]
    on_path = shutil.which("initdb")
    folders = [folder for folder in found if (folder / "initdb").exists()]
    if on_path and not folders:
        folders = [Path(on_path).resolve().parent]
    if not folders:
        raise UserError(
            "PostgreSQL is not installed",
            fix="sudo apt install postgresql (Debian, Ubuntu), brew install postgresql@17 (macOS); "
            "one machine of the team is enough",
        )
    return folders[-1]


def _end_orphaned(binaries: Path, cluster: Path, say: Callable[[str], None]) -> None:
    """Stop a server left running when catwalk was killed; nobody else uses it, because we hold the lock.

    In a copied folder, or after a loss of power, the number in its file may be another process's: pg_ctl
    would end that one, and the server would not start.
    """
    state = cluster / "postmaster.pid"
    if not state.exists():
        return
    if not _is_of(state.read_text(errors="replace").split("\n")[0].strip(), cluster):
        state.unlink()
    else:
        say("serve: stopping a server that was left running")
        command = [str(binaries / "pg_ctl"), "stop", "-D", str(cluster), "-m", "fast", "-w"]
        subprocess.run(command, check=False, capture_output=True, cwd="/", **_as_user())  # noqa: S603


def _is_of(process: str, cluster: Path) -> bool:
    """Whether a process, given by its number, is the server of this cluster."""
    place = Path("/proc") / process / "cwd"  # a server's working directory is its cluster
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):  # it is gone, or another user's
            return place.readlink() == cluster.resolve()
        return False
    command = ["ps", "-ww", "-o", "args=", "-p", process]  # without -ww, macOS cuts a line to 79 characters
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    return str(cluster) in found.stdout


def _version(folder: Path) -> int:
    return int((re.findall(r"\d+", str(folder)) or ["0"])[-1])


def _refuse_taken(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise UserError(
            f"can't listen on {host}:{port} ({shown(error.strerror or error)})",
            fix="choose another PORT= or HOST=",
        ) from None


def _as_user() -> dict[str, Any]:
    """Options to run the server's processes as the current user, or as ``SYSTEM_USER`` if that is root."""
    return {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}


def _initialise(paths: Paths, binaries: Path, cluster: Path) -> None:
    """Create the database in a temporary folder, then rename that; nobody can log in as its superuser."""
    password = secrets.token_urlsafe(18)
    aside = cluster.with_name(f".{cluster.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    how = {"cwd": "/", "capture_output": True, "text": True, **_as_user()}
    settings = ("--auth=reject", "--username=owner", "--encoding=UTF8", "--locale=C", "--no-sync")
    made = subprocess.run([binaries / "initdb", "-D", aside, *settings], check=False, **how)  # noqa: S603
    if made.returncode:
        said = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MachineError(
            f"PostgreSQL's initdb failed: {shown(said)}", where=str(aside), fix=advice.MAKE_ROOM
        )
    orders = f"CREATE ROLE {USER} LOGIN PASSWORD '{password}'\nCREATE DATABASE {DATABASE} OWNER {USER}\n"
    single = [str(binaries / "postgres"), "--single", "-D", str(aside), "postgres"]
    done = subprocess.run(single, check=False, input=orders, **how)  # noqa: S603
    wrong = re.findall(r".*(?:ERROR|FATAL|PANIC).*", done.stderr)
    if done.returncode or wrong:
        said = wrong[0] if wrong else "no reason given"
        raise MachineError(
            f"PostgreSQL can't create its database: {shown(said)}", where=str(aside), fix=advice.MAKE_ROOM
        )
    with atomic_write(paths.server_password) as path:
        path.touch(mode=0o600)
        path.write_text(f"*:*:*:{USER}:{password}\n", encoding="ascii")
    aside.rename(cluster)


def _start(paths: Paths, binaries: Path, cluster: Path, host: str, port: int) -> "subprocess.Popen[bytes]":
    allowed = ["127.0.0.1/32", "::1/128"] if host in LOOPBACK else ["0.0.0.0/0", "::/0"]
    rules = "".join(f"host {DATABASE} {USER} {address} scram-sha-256\n" for address in allowed)
    (cluster / "pg_hba.conf").write_text(rules, encoding="ascii")
    settings = {
        "listen_addresses": host,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": CONNECTIONS,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with paths.server_log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [binaries / "postgres", "-D", cluster, *options],
            stdout=log, stderr=log, cwd="/", start_new_session=True, **_as_user(),
        )  # fmt: skip


def _wait_for(paths: Paths, process: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    import psycopg

    ends = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < ends:
        try:
            _connected(paths, host, port).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise MachineError(f"PostgreSQL failed to start: {_last_line(paths)}", fix=_read_log(paths))


def _connected(paths: Paths, host: str, port: int) -> "psycopg.Connection[tuple[str]]":
    import psycopg

    # Given here, because the environment's settings (PGPASSWORD, PGSSLMODE) are meant for other servers.
    asked = f"user={USER} dbname={DATABASE} connect_timeout=5 sslmode=disable"
    password = paths.server_password.read_text(encoding="ascii").strip().rsplit(":", 1)[1]
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    return psycopg.connect(asked, host=here, port=port, password=password)


def _of_study(paths: Paths, host: str, port: int) -> dict[str, str] | None:
    """SEED, FEATURES and MODELS of this competition's newest study in the database; None: there is none."""
    with _connected(paths, host, port) as connection:
        if connection.execute("SELECT 1 FROM pg_tables WHERE tablename = 'studies'").fetchone() is None:
            return None
        rows = connection.execute("SELECT study_name FROM studies ORDER BY study_id DESC").fetchall()
    names = [name for (name,) in rows if len(progress.parts(name)) == 4]
    ours = [name for name in names if progress.parts(name)[0] == paths.competition]
    return progress.variables(ours[0]) if ours else None


def _say_where(paths: Paths, cluster: Path, say: Callable[[str], None]) -> None:
    """Say where the database is if it is not in the server's folder, and leave a link to it there."""
    link = paths.server_link
    if cluster == link:
        return
    say(f"serve: the database is in {cluster}, because PostgreSQL's own user can't read root's folders")
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(cluster)


def _last_line(paths: Paths) -> str:
    said = paths.server_log.read_text(errors="replace").strip().splitlines()
    fatal = [line for line in said if "FATAL" in line or "ERROR" in line]
    return shown((fatal or said or ["its log is empty"])[-1])


def _read_log(paths: Paths) -> str:
    return f"look at {paths.shown(paths.server_log)}"


def _lines(paths: Paths, host: str, port: int, variables: dict[str, str]) -> Iterator[str]:
    """The lines that tell the team how to connect."""
    where = f"{os.environ.get('USER', 'you')}@{socket.gethostname()}"
    tunnel = f"ssh -N {TUNNEL} -L {port}:127.0.0.1:{port} {where}"
    everywhere = host not in LOOPBACK
    shown = _address(host) if everywhere else "127.0.0.1"
    yield f"serve: PostgreSQL listens on {host}:{port}, stop it with Ctrl-C; studies are kept"
    if everywhere:
        yield (
            "  warning: anyone who can reach this address can try passwords and read the trials in "
            f"transit; it is safer to leave out HOST= and have the other members run {tunnel}"
        )
    else:
        yield f"  first, the other members run in a separate terminal: {tunnel}"
    same = {"COMPETITION": paths.competition, **variables}
    words = " ".join(f"{name}={value}" for name, value in same.items())
    yield f"  then everyone runs: make search {words} STUDY=postgresql://{USER}@{shown}:{port}/{DATABASE}"
    yield (
        f"  the password is after the last colon in {paths.shown(paths.server_password)}: the others type it "
        "when asked, or put that line into their ~/.pgpass (chmod 600)"
    )


def _address(host: str) -> str:
    """The host or, if the server listens on all addresses, one that others can reach; sends nothing."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # an address of documentation (RFC 5737)
        return str(probe.getsockname()[0])
    return socket.gethostname()
