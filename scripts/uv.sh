# Sets UV to the uv program, fetching it from PyPI into .tools/uv where there is none. To be sourced.
UV=$(command -v uv || true)
if [ -z "$UV" ]; then
    UV=.tools/uv/bin/uv
    if [ ! -x "$UV" ]; then
        echo "uv: none on PATH, fetching it from PyPI into .tools/uv" >&2
        if ! python3 -m venv .tools/uv >/dev/null 2>&1; then
            rm -rf .tools/uv # a venv made without ensurepip has no pip
            "$(dirname "${BASH_SOURCE[0]}")/debian.sh" "" python3-venv
            python3 -m venv .tools/uv
        fi
        .tools/uv/bin/pip install --quiet --disable-pip-version-check uv
    fi
fi
