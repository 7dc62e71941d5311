# A lab on this machine for the scripts that need one (quickstart, examples/run-all): "hosts" (network namespaces on a bridge, or loopback
# addresses), a coordinator, an agent on each host, an operator's key, and an end that leaves nothing. Sourced, with these set:
# ROOT (the tree), BIN (the programs), LAB (the lab's folder), ME (who speaks). It sets TESTBED, PORT, HOSTS, NAMESPACES, SLOTS; a script may change them.

# of this folder, so that labs of two trees do not meet
TESTBED=lab-$(printf '%s' "$LAB" | cksum | cut -d ' ' -f 1)
PORT=7400
HOSTS=(host-a host-b host-c)
# an experiment may have a server, a proxy and several clients; an emulated network puts all of them, and itself, on one host
SLOTS=6
NAMESPACES=yes
# Until a program that was started says that it is ready; far more than it ever took.
READY_LIMIT_MS=20000
ON=()

if [[ -t 1 ]]; then
    BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
    BOLD='' PLAIN=''
fi

say() {
    printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"
}

fail() {
    printf '%s: %s\n' "$ME" "$*" >&2
    exit 1
}

now_ms() {
    date +%s%3N
}

# wait_until NAME CONDITION...: a probe in a loop, never a mere pause, and not longer than the started process NAME lives
wait_until() {
    local name=$1 deadline=$(($(now_ms) + READY_LIMIT_MS))
    shift
    until "$@" >/dev/null 2>&1; do
        is_alive "$name" || { tail -n 20 "$LAB/run/$name.log" >&2; fail "$name ended"; }
        (($(now_ms) < deadline)) || fail "$name is not ready after $((READY_LIMIT_MS / 1000)) s; see $LAB/$name.log"
        sleep 0.02
    done
}

# What guards that were killed with their agent have left empty; the next agent of that state would remove it.
remove_cgroups() {
    local file id
    for file in "$LAB"/agents/*/host_id; do
        [[ -f $file ]] && id=$(head -c 12 "$file") && [[ ${#id} == 12 ]] || continue
        find /sys/fs/cgroup -depth -type d -path "*/panther-$id*" -exec rmdir {} + 2>/dev/null
    done
}

is_alive() {
    kill -0 "$(<"$LAB/run/$1.pid")" 2>/dev/null
}

# ---- the programs ----

# build TARGET: in build/release
build() {
    local target=$1 log=$ROOT/build/$ME-build.log
    mkdir -p "$ROOT/build" || exit 1
    if [[ -x $BIN/panther-coord ]]; then
        say "build (up to date parts are kept)"
    else
        say "build (a minute or two the first time)"
    fi
    if ! (cd "$ROOT" && cmake --preset release && cmake --build --preset release --target "$target") >"$log" 2>&1; then
        tail -n 30 "$log"
        fail "the build failed; all of its output: $log"
    fi
}

# ---- hosts ----

make_hosts() {
    if [[ $NAMESPACES == yes && $(id -u) != 0 ]]; then
        say "not root: no network namespaces; agents run on loopback addresses (for separate hosts: as root)"
        NAMESPACES=no
    fi
    if [[ $NAMESPACES == yes ]]; then
        if "$ROOT/deploy/testbed" --name "$TESTBED" up "${#HOSTS[@]}"; then
            say "testbed: coordinator and ${HOSTS[*]}, each in a network namespace of its own"
            return
        fi
        say "this machine does not allow network namespaces: agents run on loopback addresses"
        NAMESPACES=no
    fi
    PORT=$(free_port)
}

# Without namespaces the port may be somebody's, or the one after it, which takes the logs.
free_port() {
    local port=$PORT
    while [[ -n $(ss -Hltn "sport = :$port or sport = :$((port + 1))" 2>/dev/null) ]]; do
        port=$((port + 2))
    done
    printf '%d' "$port"
}

# Sets ON to what goes before a command that shall run on a host.
on() {
    ON=()
    [[ $NAMESPACES == yes ]] && ON=("$ROOT/deploy/testbed" --name "$TESTBED" exec "$1")
}

address() {
    if [[ $NAMESPACES == yes ]]; then
        "$ROOT/deploy/testbed" --name "$TESTBED" address "$1"
        return
    fi
    case $1 in
    coordinator) printf '127.0.0.1' ;;
    host-a) printf '127.0.0.11' ;;
    host-b) printf '127.0.0.12' ;;
    *) printf '127.0.0.13' ;;
    esac
}

# ---- coordinator and agents ----

# start NAME HOST PROGRAM...: in the background, its output in run/NAME.log, its pid in run/NAME.pid
start() {
    local name=$1
    on "$2"
    shift 2
    "${ON[@]}" "$@" >"$LAB/run/$name.log" 2>&1 </dev/null {LOCK}>&- &
    printf '%d\n' $! >"$LAB/run/$name.pid"
    disown
}

is_listening() {
    grep -q 'listening on tcp://' "$LAB/run/coordinator.log"
}

start_coordinator() {
    say "coordinator on tcp://$(address coordinator):$PORT"
    start coordinator coordinator "$BIN/panther-coord" serve --init --data "$LAB/data" --listen "tcp://$(address coordinator):$PORT"
    wait_until coordinator is_listening
}

# panther-coord as the operator that `serve --init` made
coord() {
    on coordinator
    "${ON[@]}" "$BIN/panther-coord" --key "$LAB/data/admin.key" "$@"
}

start_agents() {
    local host
    for host in "${HOSTS[@]}"; do
        coord keys add agent "$host" --out "$LAB/run/$host.key" >>"$LAB/run/keys.log" || fail "no key for $host; see $LAB/run/coordinator.log"
        start "$host" "$host" "$BIN/panther-agent" --key "$LAB/run/$host.key" --state "$LAB/agents/$host" --address "$(address "$host")" --slots "$SLOTS"
    done
    for host in "${HOSTS[@]}"; do
        wait_until "$host" is_connected "$host"
    done
    say "agents ${HOSTS[*]} are connected"
}

# ... and has said which plugins it has
is_connected() {
    coord agents -o jsonl | grep "\"$1\"" | grep '"connected"' | grep -qv '"plugins":"0/0"'
}

# ---- removal ----

# Only what is still the program that we started: a pid may have been given to somebody else since.
pids_of_lab() {
    local file pid program
    for file in "$LAB"/run/*.pid "$LAB"/agents/*/instances/*/guard.pid; do
        [[ -f $file ]] || continue
        read -r pid _ <"$file"
        program=$(readlink "/proc/$pid/exe" 2>/dev/null)
        [[ ${program% (deleted)} == "$BIN"/* ]] && printf '%d\n' "$pid"
    done
}

end_processes() {
    local pids deadline=$(($(now_ms) + 5000)) signal=TERM
    while mapfile -t pids < <(pids_of_lab) && ((${#pids[@]} > 0)); do
        (($(now_ms) > deadline)) && signal=KILL
        [[ $signal == sent ]] || kill -"$signal" "${pids[@]}" 2>/dev/null
        [[ $signal == TERM ]] && signal=sent
        sleep 0.02
    done
}

remove_lab() {
    end_processes
    remove_cgroups
    if [[ $(id -u) == 0 ]] && command -v ip >/dev/null; then
        "$ROOT/deploy/testbed" --name "$TESTBED" down
    fi
    rm -rf "$LAB/agents" "$LAB/data" "$LAB/run" "$LAB/coord"
}

# ---- all of it ----

lock_lab() {
    mkdir -p "$LAB" || exit 1
    exec {LOCK}>"$LAB/lock"
    flock -n "$LOCK" || fail "another one is running in $LAB"
}

# An empty lab folder that is ours alone; what an interrupted one left is removed.
prepare_lab() {
    lock_lab
    remove_lab
    rm -f "$LAB"/*.log
    mkdir -p "$LAB/run" "$LAB/agents" && chmod 700 "$LAB" || exit 1
}

# After prepare_lab, and with a trap that calls remove_lab.
start_lab() {
    make_hosts
    start_coordinator
    start_agents
}
