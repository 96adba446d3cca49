"""What the plug-in xenferry-pool keeps of each operation, and who may work on one."""

import errno
import fcntl
import json
import os

SECRETS = os.environ.get("XENFERRY_POOL_SECRETS", "/etc/xenferry/pool.json")
STATE = os.environ.get("XENFERRY_POOL_STATE", "/var/lib/xenferry/pool")


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

    def enter(self, phase, note):
        """Tell which phase begins, and what is done in it."""
        self.write(phase=phase, notes=self.values["notes"] + [note])

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


def secrets():
    """Return the pool root's credentials."""
    with open(SECRETS) as file:
        return json.load(file)
