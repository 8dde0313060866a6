#!/usr/bin/env bash
# The one test command.
#
#   ./test.sh           the default stages
#   ./test.sh NAME...   only these
#   ./test.sh --list    what there is
#
# A stage installs what it needs and the machine lacks; what cannot be had is a failure, never a skip.
#
# What is compiled: linking the test programs is the dear part, so each set of features that is linked must
# earn its place. There are two: `cargo test` as a user types it, and all features (redis, sql, clients, browser;
# only soak builds again, for release, and model one crate, with the locks of a model checker). They always select the
# whole workspace, since `-p` would resolve other features for the shared dependencies and build those anew.
# The third set, all features short of `_external`, is linked only where `core` runs without `redis`, which
# runs the same tests and more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# name | when | what; `stage_NAME` below does it. An integration test that is named after a stage (sql,
# clients, browser, model, soak: not core or redis) is run by that stage alone.
stages() {
    cat <<'TABLE'
core|default|formatting, lints, docs, each crate alone, dependency rules, tests that need no other program
redis|default|all tests with all features, against redis-servers and an nginx that the tests start themselves
sql|default|pages out of a PostgreSQL and a MariaDB that the tests start themselves
clients|default|client libraries of other people against the examples
browser|default|a real Chromium before the CORS layer, streams, versions, gRPC-web, and the page of the example
model|default|what locks protect, in the many orders that a model checker tries
soak|on demand|long runs of a release build
release|on demand|each crate alone with all features, the pages as docs.rs makes them, the packages
TABLE
}

stage_core() {
    run cargo fmt --all --check
    run cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" run cargo doc --locked --workspace --all-features --no-deps
    check_crates_alone
    check_fuzz_targets
    check_licences
    run cargo test --locked --no-fail-fast --workspace
    if is_selected redis; then
        echo "The tests of the other features run in the stage redis."
    else
        local features
        features=$(ask features)
        run cargo test --locked --no-fail-fast --workspace --features "$features"
    fi
}

stage_redis() {
    need_redis
    need_nginx
    local test tests targets=(--lib --bins)
    # shellcheck disable=SC2046 # one word per stage
    tests=$(ask tests $(stage_names | grep -vx -e core -e redis))
    for test in $tests; do targets+=(--test "$test"); done
    run cargo test --locked --no-fail-fast --workspace --all-features "${targets[@]}"
    run cargo test --locked --no-fail-fast --workspace --all-features --doc
}

stage_sql() {
    need_postgres
    need_mariadb
    run cargo test --locked --no-fail-fast --workspace --all-features --test sql
}

stage_clients() {
    need_redis
    need_python examples/clients/requirements.txt "$PWD/target/venv"
    need_node examples/clients "$PWD/target/node"
    STONEWORK_PYTHON=$PWD/target/venv/bin/python STONEWORK_NODE_MODULES=$PWD/target/node/node_modules \
        run cargo test --locked --no-fail-fast --workspace --all-features --test clients
}

stage_browser() {
    need_redis
    need chromium chromium
    need_python cors/tests/browser/requirements.txt "$PWD/target/venv-browser"
    need_node examples/clients "$PWD/target/node"
    STONEWORK_PYTHON=$PWD/target/venv-browser/bin/python STONEWORK_CHROMIUM=$(command -v chromium) \
        STONEWORK_NODE_MODULES=$PWD/target/node/node_modules \
        run cargo test --locked --no-fail-fast --workspace --all-features --test browser
}

stage_model() {
    # The flag concerns every dependency, so what is built with it is kept apart from the rest. Without it
    # the tests are empty.
    run env RUSTFLAGS="--cfg shuttle" cargo test --locked --package stonework-ratelimit --test model \
        --target-dir target/shuttle
}

stage_soak() {
    need_redis
    need_postgres
    need_mariadb
    # One at a time, so that memory and rates belong to the test that prints them.
    run cargo test --locked --no-fail-fast --workspace --all-features --release --test soak -- --nocapture --test-threads 1
}

stage_release() {
    local crate crates packages=()
    crates=$(ask libraries)
    for crate in $crates; do
        # as docs.rs builds it: no other member asks for a feature that a dependency does not compile without
        run cargo clippy --locked --package "$crate" --all-features --no-deps -- -D warnings
        packages+=(--package "$crate")
    done
    RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS="--cfg docsrs -D warnings" run cargo doc --locked --all-features --no-deps "${packages[@]}"
    run cargo package --locked "${packages[@]}"
}

# What a user gets who adds one crate and no feature: `--workspace` would hide it, because there the features
# that one member asks for are on for all.
check_crates_alone() {
    local crate crates tree
    crates=$(ask libraries)
    for crate in $crates; do
        # clippy is `cargo check` and also sees what is dead without features
        run cargo clippy --locked --package "$crate" --no-deps -- -D warnings
        tree=$(cargo tree --locked --package "$crate" --edges no-dev --target all --prefix none --format '{p}')
        if grep -E '^(redis|moka) v' <<<"$tree"; then
            fail "$crate pulls in the above with default features"
        fi
        ask newer_rust "$tree"
    done
}

# Outside the workspace, so nothing else would notice that they no longer compile. libFuzzer is C++.
check_fuzz_targets() {
    need c++ g++
    run cargo clippy --locked --manifest-path fuzz/Cargo.toml --bins -- -D warnings
}

check_licences() {
    if command -v cargo-deny >/dev/null; then
        run cargo deny --locked check --hide-inclusion-graph bans licenses sources
    else
        note "cargo-deny is not installed: licences, sources and duplicates were not checked"
    fi
}

# ask libraries                the published library crates
# ask features                 every feature of every member but private ones (`_…`), for --features
# ask tests [NAME...]          the integration tests, without those named
# ask newer_rust TREE          fails if a package of this `cargo tree` declares a newer Rust than the crates
ask() {
    need python3 python3 >&2
    cargo metadata --locked --format-version 1 >"$scratch/metadata.json"
    python3 - "$scratch/metadata.json" "$@" <<'PYTHON'
import json, sys

path, question, *words = sys.argv[1:]
metadata = json.load(open(path))
packages = metadata["packages"]
members = [p for p in packages if p["id"] in metadata["workspace_members"]]
libraries = [
    p for p in members
    if p["publish"] != [] and any({"lib", "proc-macro"} & set(t["kind"]) for t in p["targets"])
]

def number(rust_version):
    parts = [int(part) for part in (rust_version or "0").split(".")]
    return parts + [0] * (3 - len(parts))

if question == "libraries":
    print(*(p["name"] for p in libraries), sep="\n")
elif question == "features":
    print(",".join(f"{p['name']}/{f}" for p in members for f in p["features"] if not f.startswith("_")))
elif question == "tests":
    tests = {t["name"] for p in members for t in p["targets"] if t["kind"] == ["test"]}
    print(*sorted(tests - set(words)), sep="\n")
elif question == "newer_rust":
    promised = {p["rust_version"] for p in libraries}
    if len(promised) != 1 or None in promised:
        sys.exit(f"the library crates must declare one rust-version, not {promised}")
    (promised,) = promised
    declared = {(p["name"], "v" + p["version"]): p["rust_version"] for p in packages}
    used = sorted({tuple(line.split()[:2]) for line in words[0].splitlines()})
    newer = [(*u, declared[u]) for u in used if number(declared[u]) > number(promised)]
    for name, version, rust in newer:
        print(f"{name} {version} needs Rust {rust}; we promise {promised} for default features")
    sys.exit(bool(newer))
PYTHON
}

# Debian's package may start a service on Redis' usual port. No test uses it.
need_redis() {
    need redis-server redis-server
    local major
    major=$(redis-server --version | sed -n 's/.* v=\([0-9]*\)\..*/\1/p')
    [ "${major:-0}" -ge 7 ] || fail "redis-server is version ${major:-unknown}; the stores need 7 or newer"
}

# It is out of the path of most users, and no test uses the one that may be started.
need_nginx() { PATH=$PATH:/usr/sbin need nginx nginx-light; }

# Debian's package keeps the server out of the path, and may start one on its usual port. No test uses that.
need_postgres() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        install postgresql
    need setpriv util-linux
}

# As with PostgreSQL, it is out of the path of most users, and no test uses the one that may be started.
need_mariadb() {
    PATH=$PATH:/usr/sbin need mariadbd mariadb-server
    need setpriv util-linux
}

# need_python PINNED VENV: an environment with exactly these packages, made anew when they change.
need_python() {
    local pinned=$1 venv=$2
    [ -f "$pinned" ] || fail "$pinned is missing: it pins the packages"
    need python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    if ! cmp -s "$pinned" "$venv/installed.txt" || ! "$venv/bin/python" -c ''; then
        run python3 -m venv --clear "$venv"
        run "$venv/bin/python" -m pip install --quiet --requirement "$pinned"
        cp "$pinned" "$venv/installed.txt"
    fi
}

# need_node PINNED FOLDER: exactly the packages of PINNED/package-lock.json, in FOLDER/node_modules.
need_node() {
    local pinned=$1 folder=$2
    [ -f "$pinned/package-lock.json" ] || fail "$pinned/package-lock.json is missing: it pins the packages"
    need node nodejs
    need npm npm
    if ! cmp -s "$pinned/package-lock.json" "$folder/installed.json" || ! [ -d "$folder/node_modules" ]; then
        mkdir -p "$folder"
        cp "$pinned/package.json" "$pinned/package-lock.json" "$folder"
        run npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
        cp "$pinned/package-lock.json" "$folder/installed.json"
    fi
}

# need PROGRAM PACKAGE: installs the Debian package unless the program is there.
need() {
    if ! command -v "$1" >/dev/null; then
        install "$2"
        command -v "$1" >/dev/null || fail "the package $2 brought no program $1"
    fi
}

# Asks the network for the package lists only when those of the machine do not lead to the package.
install() {
    local by_hand="install the Debian package $1 (or what your system calls it) and start again"
    command -v apt-get >/dev/null || fail "$1 is missing and there is no apt-get: $by_hand"
    apt_install "$1" || { run as_root apt-get update && apt_install "$1"; } ||
        fail "$1 is missing and could not be installed: $by_hand"
}

apt_install() {
    run as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
        install --yes --no-install-recommends "$1"
}

# Asks for a password only where someone is there to type it.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        echo "neither root nor sudo" >&2
        return 1
    elif [ "$interactive" = yes ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

run() {
    echo "+ $*" >&2
    "$@"
}

fail() {
    echo "test.sh: $*" >&2
    exit 1
}

# Said now, and again under the summary, where it is not overlooked.
note() {
    echo "$*" | tee -a "$scratch/notes"
}

stage_names() { stages | cut -d'|' -f1; }
is_stage() { stage_names | grep -qxF -e "$1"; }
is_selected() { grep -qxF -e "$1" <<<"$selected"; }

list() {
    stages | while IFS='|' read -r name when what; do
        printf '%-10s %-10s %s\n' "$name" "$when" "$what"
    done
}

# Goes on after a failed stage: the next one may have news of its own. A subshell, since `set -e` does
# nothing inside a condition.
run_stage() {
    local started=$SECONDS code outcome=passed
    printf '\n==== %s\n' "$1"
    set +e
    (set -e; "stage_$1")
    code=$?
    set -e
    [ "$code" -ne 130 ] || exit 130 # interrupted
    if [ "$code" -ne 0 ]; then
        outcome=FAILED
        failed="$failed $1"
    fi
    printf '==== %s %s after %d s\n' "$1" "$outcome" $((SECONDS - started))
    summary+=$(printf '%-10s %-8s %6d s' "$1" "$outcome" $((SECONDS - started)))$'\n'
}

summarise() {
    local name
    printf '\n%s%-10s %-8s %6d s\n' "$summary" total "" "$SECONDS"
    for name in $(stage_names); do
        is_selected "$name" || echo "not run: $name (./test.sh $name)"
    done
    cat "$scratch/notes"
    [ -z "$failed" ] || fail "failed:$failed"
}

case "${1:-}" in
    --list | --help | -h) list; exit ;;
esac
for name in "$@"; do
    is_stage "$name" || { list >&2; fail "there is no stage $name"; }
done

if [ $# -gt 0 ]; then
    selected=$(printf '%s\n' "$@")
else
    selected=$(stages | grep '|default|' | cut -d'|' -f1)
fi
if [ -t 0 ]; then interactive=yes; else interactive=no; fi
exec </dev/null # no test may wait for a keyboard
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/notes"
summary="" failed="" SECONDS=0

for name in $selected; do run_stage "$name"; done
summarise
