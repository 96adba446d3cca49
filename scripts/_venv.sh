# shellcheck shell=sh
# Sourced by every script here: makes .venv from requirements.lock, once for each state of its inputs.
cd "$(dirname "$0")/.." || exit 1
inputs="requirements.lock pyproject.toml hatch_build.py $(find protos -name '*.proto' | LC_ALL=C sort)"
# shellcheck disable=SC2086
stamp=$(cat $inputs | cksum)
if [ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ]; then
  command -v python3 >/dev/null || { echo "xenferry needs python3 3.11 or newer" >&2; exit 1; }
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "xenferry needs python3 3.11 or newer, this is $(python3 --version)" >&2; exit 1; }
  [ -x .venv/bin/python ] || python3 -m venv .venv
  echo "setting up .venv (once)" >&2
  .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
  .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  echo "$stamp" >.venv/stamp
fi
PATH="$PWD/.venv/bin:$PATH"
export PATH
# What Python compiles it keeps (git ignores it): every program starts faster from the second time on.
unset PYTHONDONTWRITEBYTECODE
