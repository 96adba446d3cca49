"""What the plug-in xenferry-pool keeps of each operation, and who may work on one."""

import errno
import fcntl
import json
import os
import time

SECRETS = os.environ.get("XENFERRY_POOL_SECRETS", "/etc/xenferry/pool.json")
STATE = os.environ.get("XENFERRY_POOL_STATE", "/var/lib/xenferry/pool")
DAY_S = 86400.0
KEPT_DAYS = float(os.environ.get("XENFERRY_POOL_KEPT_DAYS", "30"))
KEPT = int(os.environ.get("XENFERRY_POOL_KEPT", "200"))


class Refused(Exception):
    """The operation can't be done; `error` is an error array in XAPI's form."""

    def __init__(self, *error):
        Exception.__init__(self, repr(error))
        self.error = [str(part) for part in error]


class Record(object):
    """One operation, in a file that is always replaced as a whole."""

    def __init__(self, operation_id):
        if not operation_id or not all(c.isalnum() or c == "-" for c in operation_id):
            raise Refused("XENFERRY_BAD_ARGUMENT", "operation_id", operation_id)
        self.path = os.path.join(STATE, operation_id + ".json")
        self.values = self._read()

    def _read(self):
        try:
            with open(self.path) as file:
                return json.load(file)
        except (IOError, OSError) as error:
            if error.errno != errno.ENOENT:
                raise
            return {}

    def write(self, **values):
        """Change values; they are on disk before anything else is done."""
        self.values.update(values)
        draft = "%s.%d" % (self.path, os.getpid())
        with open(draft, "w") as file:
            json.dump(self.values, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, self.path)
        sync(STATE)

    def enter(self, phase, note):
        """Tell which phase begins, and what is done in it."""
        self.write(phase=phase, notes=self.values["notes"] + [note])

    @property
    def unfinished(self):
        """Whether anything is left to be done, be it only the start of the agent VM."""
        return self.phase != "ended" or self.agent in ("stopped", "failed")

    def __getattr__(self, name):
        return self.values[name]


def take_lock():
    """Return the open lock file, None while another process has it."""
    if not os.path.isdir(STATE):
        os.makedirs(STATE, 0o700)
    file = open(os.path.join(STATE, "lock"), "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (IOError, OSError) as error:
        file.close()
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return None
    return file


def sync(directory):
    """Have the names in a directory on disk."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def prune(now=None):
    """Forget operations that ended long ago, or have many after them; whoever calls has the lock.

    What is unfinished stays, and so does what ended within a day, since it may be asked about.
    Each file goes on its own, so that it may stop at any point; what stays goes the next time.
    """
    now = time.time() if now is None else now
    files = [os.path.join(STATE, name) for name in os.listdir(STATE)]
    for draft in [path for path in files if ".json." in os.path.basename(path)]:
        forget(draft)  # only who has the lock writes: its writer died
    ended = [path for path in files if path.endswith(".json") and has_ended(path)]
    ages = sorted((now - os.path.getmtime(path), path) for path in ended)
    for rank, (age, path) in enumerate(ages):
        if age > DAY_S and (rank >= KEPT or age > KEPT_DAYS * DAY_S):
            forget(path)


def has_ended(path):
    """Tell whether nothing is left to be done of a record; one that can't be read stays."""
    try:
        return not Record(os.path.basename(path)[: -len(".json")]).unfinished
    except (IOError, OSError, ValueError, KeyError, Refused):
        return False


def forget(path):
    """Remove a file if that can be done."""
    try:
        os.remove(path)
    except (IOError, OSError):
        return


def secrets():
    """Return the pool root's credentials."""
    with open(SECRETS) as file:
        return json.load(file)
