"""Settings: what is written is read, what nobody reads is refused with file and key."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chassis import settings


@dataclass(frozen=True)
class Xapi:
    url: str
    timeout_s: float = 5.0
    hosts: tuple[str, ...] = ()
    ca_file: Path | None = None


@dataclass(frozen=True)
class Settings:
    xapi: Xapi
    debug: bool = False
    workers: int = 2
    tags: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")


def load(folder: Path, text: str, **environment: str) -> Settings:
    file = folder / "agent.toml"
    file.write_text(text)
    return settings.load(Settings, file, environment)


def test_a_file_fills_nested_settings_with_the_right_types(tmp_path: Path) -> None:
    text = 'debug = true\n[xapi]\nurl = "http://xs1"\ntimeout_s = 3\nhosts = ["a"]\nca_file = "/c"'

    loaded = load(tmp_path, text)

    assert loaded == Settings(Xapi("http://xs1", 3.0, ("a",), Path("/c")), debug=True)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        '[xapi]\nurl = "http://xs1"\n',
        XENFERRY_XAPI_URL="http://xs2",
        XENFERRY_WORKERS="7",
        XENFERRY_DEBUG="true",
        XENFERRY_XAPI_HOSTS="a, b",
    )

    assert loaded == Settings(Xapi("http://xs2", hosts=("a", "b")), debug=True, workers=7)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[xapi]\nurl = "u"\nulr = "v"', r"agent\.toml: unknown key xapi\.ulr \(known here: ca"),
        ('colour = 1\n[xapi]\nurl = "u"', r"agent\.toml: unknown key colour"),
        ("debug = true", r"agent\.toml: xapi\.url is missing \(or set XENFERRY_XAPI_URL\)"),
        ("[xapi]\nurl = 5", r"agent\.toml: xapi\.url must be a text, not 5"),
        ('workers = true\n[xapi]\nurl = "u"', r"workers must be a whole number, not True"),
        ('workers = 0\n[xapi]\nurl = "u"', r"agent\.toml: settings: workers must be at least 1"),
        ("xapi = 5", r"agent\.toml: xapi must be a table, not 5"),
        ("[xapi\n", r"agent\.toml: Expected ']'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_and_key(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(settings.SettingsError, match=complaint):
        load(tmp_path, text)


def test_a_variable_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match="XENFERRY_WORKERS must be a whole number"):
        load(tmp_path, '[xapi]\nurl = "u"', XENFERRY_WORKERS="many")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"nowhere\.toml: No such file"):
        settings.load(Settings, tmp_path / "nowhere.toml", {})
