# Sourced by run and test: a virtual environment with PDA Studio in it, and what Qt needs besides.
# Defines $repository, $venv and, once it is installed, $bin with the environment's programs.
# Written for bash 3.2, which macOS still has.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${PDA_STUDIO_VENV:-$repository/.venv}

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "PDA Studio needs Python 3.11 or newer, and none was found; install one and try again."
}

# apt_install package…: install Debian packages where that takes no question, else fail silently.
apt_install() {
    local as_root=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "Installing with apt-get: $*"
    # An outdated list of one source need not be in the way of the others, so go on without it.
    # (Debian's and macOS's bash disagree about empty arrays, hence the odd expansion.)
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq </dev/null >&2 || true
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

make_venv() {
    local python package
    bin=$venv/bin
    if [ -d "$venv/Scripts" ]; then # on Windows
        bin=$venv/Scripts
    fi
    # A half-made environment, after an interruption say, has no pip.
    "$bin/python" -m pip --version >/dev/null 2>&1 && return
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        apt_install "$package" ||
            fail "$python cannot make virtual environments; run: sudo apt-get install $package"
    fi
    say "Making a virtual environment in $venv …"
    "$python" -m venv "$venv"
    if [ -d "$venv/Scripts" ]; then # on Windows
        bin=$venv/Scripts
    fi
}

# install_studio ""|dev: make the environment and install the project, once per pyproject.toml.
install_studio() {
    local extras=$1 stamp checksum earlier quiet=--quiet
    make_venv
    stamp=$venv/pda-studio-installed${extras:+-$extras}
    checksum="$(cksum <"$repository/pyproject.toml") $repository"
    for earlier in "$stamp" "$venv/pda-studio-installed-dev"; do
        if [ -f "$earlier" ] && [ "$(cat "$earlier")" = "$checksum" ]; then
            return
        fi
    done
    say "Installing PDA Studio and what it needs: some minutes and, with PyTorch, about 5 GB …"
    if [ -t 2 ]; then
        quiet=
    fi
    (cd "$repository" && "$bin/python" -m pip install $quiet --disable-pip-version-check \
        --no-compile --editable ".${extras:+[$extras]}" </dev/null >&2)
    # pip compiles one file after the other; all processors together take a part of the time. Tests
    # need a third of all files, which they compile themselves.
    [ "$extras" = dev ] || "$bin/python" -c 'if True:
        import compileall, sysconfig
        compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)' || true
    printf '%s\n' "$checksum" >"$stamp"
    say "Installed."
}

qt_is_complete() {
    local qt
    qt=$("$bin/python" -c 'import PySide6.QtWidgets as q; print(q.__file__)' 2>/dev/null) ||
        return 1
    # The import does not show what the plugin for X displays needs.
    ! ldd "$(dirname "$qt")/Qt/plugins/platforms/libqxcb.so" 2>/dev/null | grep -q 'not found'
}

# install_libraries [xvfb]: what Qt needs from the system and, for the tests, a virtual display.
install_libraries() {
    local packages=""
    [ "$(uname -s)" = Linux ] || return 0
    qt_is_complete || packages="qt"
    if [ "${1:-}" = xvfb ] && ! { command -v xvfb-run && command -v xauth; } >/dev/null; then
        packages="$packages xvfb"
    fi
    [ -n "$packages" ] || return 0
    if command -v apt-get >/dev/null; then
        packages=${packages/qt/"libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 \
libfontconfig1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 \
libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1"}
        packages=${packages/ xvfb/ xvfb xauth}
        # shellcheck disable=SC2086 # one word per package
        apt_install $packages || say "System packages are missing; run: sudo apt-get install $packages"
    elif command -v dnf >/dev/null; then
        packages=${packages/qt/"mesa-libEGL mesa-libGL libxkbcommon libxkbcommon-x11 dbus-libs \
fontconfig glib2 xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil"}
        packages=${packages/ xvfb/ xorg-x11-server-Xvfb xorg-x11-xauth}
        say "System packages are missing; run: sudo dnf install $packages"
    elif command -v pacman >/dev/null; then
        packages=${packages/qt/"libglvnd libxkbcommon libxkbcommon-x11 dbus fontconfig glib2 \
xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil"}
        packages=${packages/ xvfb/ xorg-server-xvfb xorg-xauth}
        say "System packages are missing; run: sudo pacman -S $packages"
    else
        say "Qt misses system libraries (EGL, GL, xkbcommon, xcb-cursor …); install these."
    fi
}
