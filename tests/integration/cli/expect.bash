# What a command shall say. Sourced behind lab.bash.

failures=0

# expect STATUS OUT ERR ARGUMENT...: panther-coord's exit status, and extended regular expressions that its output and its complaint hold;
# "" wants nothing there, "*" takes anything.
expect() {
    local status=$1 out=$2 err=$3 got
    shift 3
    "$BIN/panther-coord" "$@" >"$PLACE/out" 2>"$PLACE/err" </dev/null
    got=$?
    if ((got != status)) || ! holds "$out" "$PLACE/out" || ! holds "$err" "$PLACE/err"; then
        printf 'FAILED: panther-coord %s\n  status %d, wanted %d; output wanted: %s; complaint wanted: %s\n' "$*" "$got" "$status" "$out" "$err"
        sed 's/^/  out: /' "$PLACE/out" | head -n 10
        sed 's/^/  err: /' "$PLACE/err" | head -n 10
        failures=$((failures + 1))
    fi
}

holds() {
    case $1 in
    '*') ;;
    '') [[ ! -s $2 ]] ;;
    *) tr '\n' ' ' <"$2" | grep -qE -- "$1" ;;
    esac
}

# check WHAT CMD...: counted, so that all that is wrong is told at once
check() {
    local what=$1
    shift
    "$@" && return
    printf 'FAILED: %s\n' "$what"
    failures=$((failures + 1))
}
