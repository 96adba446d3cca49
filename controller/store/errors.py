"""Why a database can't be used at all; each text names what an operator can mend.

DatabaseRefused
  ├─ DatabaseUnsupported  the URL is of a database that this release does not speak
  ├─ PasswordUnreadable   the file with the password can't be read
  ├─ DatabaseHeld         another controller has it open
  ├─ DatabaseTooNew       a newer release has written it
  └─ DatabaseUnusable     it can't be opened, or is no database
"""


class DatabaseRefused(Exception):
    """The database can't be used."""


class DatabaseUnsupported(DatabaseRefused):
    """The URL is of a database that this release does not speak."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"store.url {url!r} is neither of the form sqlite:///path "
            "nor of the form postgresql+asyncpg://user@host/database"
        )


class PasswordUnreadable(DatabaseRefused):
    """The file with the password can't be read."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"store.password_file {file}: {why}")


class DatabaseHeld(DatabaseRefused):
    """Another controller has it open."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in use by another controller")


class DatabaseTooNew(DatabaseRefused):
    """A newer release has written it."""

    def __init__(self, path: str, present: str, known: str) -> None:
        super().__init__(
            f"{path} has schema {present}, written by a newer release; this one knows {known}"
        )


class DatabaseUnusable(DatabaseRefused):
    """It can't be opened, or is no database."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be used: {why}")
