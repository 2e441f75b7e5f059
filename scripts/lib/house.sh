# What the scripts share: one virtual environment per interpreter, set up quietly, once. Sourced by bash.
#
# An environment carries a stamp of what it was made for; where pyproject.toml asks for nothing new, the second call
# costs some milliseconds.

say() { echo "${0##*/}: $*" >&2; }

# Run a command without a word; if it fails, show what it said and fail.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        say "failed with status $status: $*"
        tail -n 40 "$log" >&2
    fi
    rm -f "$log"
    return "$status"
}

# The version of an interpreter, "3.11"; empty where it does not run (pyenv's shims may exist and not run) or is older
# than 3.11 or not CPython.
version_of() {
    "$1" -c 'import sys
if sys.version_info >= (3, 11) and sys.implementation.name == "cpython": print("%d.%d" % sys.version_info[:2])' \
        2>/dev/null </dev/null || true
}

# The interpreter that everything is made with: $PYTHON, else the first that runs; 3.11 first, for it is the oldest
# that we support.
house_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3.14 python3; do
        if [ -n "$(version_of "$name")" ]; then command -v "$name"; return 0; fi
    done
    say "no Python 3.11 or newer found (Debian: apt-get install python3 python3-venv); PYTHON=... names one"
    return 1
}

# Other interpreters that are there, one path a line, one a version: those of $PYROMETER_PYTHONS (separated by colons),
# of the PATH and of pyenv. The version given is left out.
other_pythons() {
    local seen=" $1 " candidate version
    while IFS= read -r candidate; do
        version=$(version_of "$candidate")
        case "$version" in 3.11|3.12|3.13|3.14) ;; *) continue ;; esac
        case "$seen" in *" $version "*) continue ;; esac
        seen="$seen$version "
        command -v "$candidate"
    done < <(
        tr ':' '\n' <<<"${PYROMETER_PYTHONS:-}" | sed '/^$/d'
        printf '%s\n' python3.11 python3.12 python3.13 python3.14
        if command -v pyenv >/dev/null; then
            pyenv versions --bare 2>/dev/null | grep -E '^3\.[0-9]+\.[0-9]+$' | sort -V |
                while read -r version; do echo "$(pyenv root)/versions/$version/bin/python"; done
        fi
    )
}

# make_venv FOLDER PYTHON EXTRA: a virtual environment with this checkout installed as editable, and what the extra
# asks for: "" (to run it), "test" or "dev". An environment that has more already is left as it is.
make_venv() {
    local folder=$1 python=$2 extra=$3 stamp
    stamp="$(version_of "$python") $(cksum <pyproject.toml)"
    if [ -x "$folder/bin/python" ] && has_extra "$folder" "$extra" "$stamp"; then return 0; fi
    say "setting up $folder with Python $(version_of "$python")${extra:+ for $extra}, once (needs a package index)"
    if [ "$(version_of "$folder/bin/python")" != "$(version_of "$python")" ]; then
        rm -rf "$folder"
        quietly "$python" -m venv "$folder" || { say "Debian: apt-get install python3-venv"; return 1; }
    fi
    rm -f "$folder/.for"
    # Twice: a package index may be busy.
    quietly "$folder/bin/python" -m pip install -q --disable-pip-version-check -e ".${extra:+[$extra]}" ||
        { sleep 5; quietly "$folder/bin/python" -m pip install -q --disable-pip-version-check -e ".${extra:+[$extra]}"; }
    echo "$stamp :$extra" >"$folder/.for"
}

has_extra() {
    local folder=$1 extra=$2 stamp=$3 made
    made=$(cat "$folder/.for" 2>/dev/null) || return 1
    case "$extra" in
        dev) [ "$made" = "$stamp :dev" ] ;;
        test) [ "$made" = "$stamp :dev" ] || [ "$made" = "$stamp :test" ] ;;
        *) [ "${made% :*}" = "$stamp" ] ;;
    esac
}
