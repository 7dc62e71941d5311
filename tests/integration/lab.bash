# For test scripts that need programs as a user has them: a scratch place, a coordinator and an agent in it on loopback addresses of their
# own, and an end that leaves nothing. Sourced with BIN (the folder of programs) set; sets PLACE and NET.

PLACE=$(mktemp -d /tmp/panther-lab-XXXXXX) || exit 1
# Loopback addresses that are nobody else's: then all their ports are free.
NET=127.$((100 + RANDOM % 100)).$((RANDOM % 256))
READY_LIMIT_S=20
PIDS=()
unset PANTHER_KEY PANTHER_COORDINATOR PANTHER_CONFIG PANTHER_OUTPUT PANTHER_TIMEOUT
export HOME=$PLACE

fail() {
    printf 'FAILED: %s\n' "$*"
    tail -n 20 "$PLACE"/*.log 2>/dev/null
    exit 1
}

# run TITLE CMD...: its output only when it fails
run() {
    local title=$1
    shift
    "$@" >"$PLACE/step.log" 2>&1 || fail "$title: $*"
}

until_true() {
    local what=$1 deadline=$((SECONDS + READY_LIMIT_S))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || fail "$what: not within $READY_LIMIT_S s"
        sleep 0.05
    done
}

start() {
    local name=$1
    shift
    "$@" >"$PLACE/$name.log" 2>&1 </dev/null &
    PIDS+=($!)
}

lab_serves() {
    "$BIN/panther-coord" status >/dev/null 2>&1
}

lab_is_connected() {
    "$BIN/panther-coord" agents -o jsonl 2>/dev/null | grep -q '"state":"connected"'
}

lab_has_plugins() {
    "$BIN/panther-coord" plugins null >/dev/null 2>&1
}

lab_serve() {
    start coordinator "$BIN/panther-coord" serve --init --data "$PLACE/data" --listen "tcp://$NET.1:7400"
    until_true "the coordinator's key" test -s "$PLACE/data/admin.key"
    export PANTHER_KEY=$PLACE/data/admin.key
    until_true "the coordinator" lab_serves
}

lab_agent() {
    run "a key" "$BIN/panther-coord" keys add agent host-a --out "$PLACE/host-a.key"
    start agent "$BIN/panther-agent" --key "$PLACE/host-a.key" --state "$PLACE/state" --address "$NET.2" --slots 4
    until_true "the agent" lab_is_connected
    until_true "the agent's plugins" lab_has_plugins
}

# What of ours still runs: guards outlive their agent.
lab_processes() {
    local pid file
    for pid in "${PIDS[@]}"; do
        kill -0 "$pid" 2>/dev/null && printf '%d\n' "$pid"
    done
    for file in "$PLACE"/*/instances/*/guard.pid; do
        [[ -f $file ]] && read -r pid _ <"$file" && kill -0 "$pid" 2>/dev/null && printf '%d\n' "$pid"
    done
}

# The end of a test that went well.
lab_stop() {
    local pid
    kill -TERM "${PIDS[@]}"
    for pid in "${PIDS[@]}"; do
        wait "$pid" || fail "process $pid ended with status $? at SIGTERM"
    done
    [[ -z $(lab_processes) ]] || fail "left behind: $(lab_processes)"
    PIDS=()
}

# An agent that was killed leaves its cgroup to the next one with its state.
lab_remove_cgroups() {
    local file base
    for file in "$PLACE"/*/host_id; do
        [[ -s $file ]] || continue
        for base in /sys/fs/cgroup/{unified/,}panther-"$(head -c 12 "$file")"; do
            [[ -d $base ]] && find "$base" -depth -type d -exec rmdir {} + 2>/dev/null
        done
    done
}

lab_clean_up() {
    local left
    mapfile -t left < <(lab_processes)
    ((${#left[@]} == 0)) || kill -KILL "${left[@]}" 2>/dev/null
    wait
    lab_remove_cgroups
    rm -rf "$PLACE"
}
trap lab_clean_up EXIT
trap 'exit 1' INT TERM
