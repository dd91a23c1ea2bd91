#!/bin/sh
# Build the C tests in every variant and run them.
#
# usage: build_and_run.sh [-v VARIANT] [BUILD_DIR]
#
# Variants: plain tsan asan portable release.  Without BUILD_DIR a temporary
# directory is used and removed.  The exit code is 0 if all of them passed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
src=$here/../../csrc
variants="plain tsan asan portable release"
if [ "${1:-}" = -v ]; then
    variants=$2
    shift 2
fi
if [ $# -gt 0 ]; then
    build=$1
    mkdir -p "$build"
else
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
fi

cc=${CC:-cc}
flags="-std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fvisibility=hidden
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Werror -g -pthread
    -Wl,--wrap=pthread_create -I$src -I$here"
sources="$here/check.c $here/test_pool.c $here/test_port.c $here/test_sys.c
    $here/test_threads.c $here/test_team.c $here/test_place.c
    $here/test_fs.c $src/pool.c $src/schedule.c $src/processor.c $src/worker.c
    $src/port.c $src/sys.c $src/sysbytes.c $src/syscached.c $src/sysfault.c
    $src/team.c $src/recode.c $src/scan.c $src/utf8.c $src/io.c $src/ready.c
    $src/place.c $src/device.c $src/known.c $src/fs.c $src/fslist.c $src/fstree.c
    $src/fscopy.c"

# ThreadSanitizer of older compilers finds no room for its shadow memory on
# kernels that randomize addresses widely.
tsan_runner() {
    echo 'int main(void) { return 0; }' >"$build/probe.c"
    $cc -fsanitize=thread -o "$build/probe" "$build/probe.c"
    if ! "$build/probe" >/dev/null 2>&1 &&
            setarch "$(uname -m)" -R "$build/probe" >/dev/null 2>&1; then
        echo "setarch $(uname -m) -R"
    fi
}

status=0
for variant in $variants; do
    runner=
    case $variant in
    plain) extra="-O1 -DAIOF_DEBUG" ;;
    tsan)
        extra="-O1 -DAIOF_DEBUG -fsanitize=thread"
        runner=$(tsan_runner)
        ;;
    asan)
        extra="-O1 -DAIOF_DEBUG -fsanitize=address,undefined
            -fno-sanitize-recover=all -fno-omit-frame-pointer"
        ;;
    portable) extra="-O1 -DAIOF_DEBUG -DAIOF_PORTABLE" ;;
    release) extra="-O2 -DNDEBUG" ;;
    *)
        echo "unknown variant: $variant" >&2
        exit 2
        ;;
    esac
    echo "== $variant"
    # shellcheck disable=SC2086  # lists of words
    $cc $flags $extra -o "$build/test_$variant" $sources
    # The fork test starts threads in the child on purpose.
    # shellcheck disable=SC2086
    TSAN_OPTIONS="die_after_fork=0 ${TSAN_OPTIONS:-}" \
        $runner "$build/test_$variant" || status=1
    if [ "$variant" = asan ]; then
        # shellcheck disable=SC2086
        $cc $flags $extra -O2 -o "$build/fuzz_scan" \
            "$here/fuzz_scan.c" "$src/scan.c" "$src/utf8.c"
        "$build/fuzz_scan" "${FUZZ_SECONDS:-2}" || status=1
    fi
done
exit $status
