#!/usr/bin/env bash
# Makes or refreshes the environment VENV from requirements.txt: python.sh VENV. Uses a Python 3.11 or 3.12 that is there.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1

python=
for candidate in ${RINGTIME_PYTHON:-} python3 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    echo "no Python 3.11 or 3.12 found ($(python3 --version 2>&1 || echo 'no python3')): install one, or name it in RINGTIME_PYTHON" >&2
    exit 1
fi

. scripts/uv.sh
if [ ! -x "$venv/bin/python" ]; then "$UV" venv --quiet --no-python-downloads --python "$python" "$venv"; fi
echo "python: $("$python" --version), packages of requirements.txt into $venv" >&2
"$UV" pip sync --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes requirements.txt
# pip sync has removed everything that is not in the list, the project itself included
"$UV" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
