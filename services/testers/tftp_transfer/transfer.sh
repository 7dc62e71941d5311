#!/bin/sh
# transfer.sh CASE ADDRESS PORT SECONDS SIZE...: transfers by tftp-hpa's client, in the work folder; EXPECTED/BYTES.bin is what has to come. The
# client's status is 0 also when nothing came, so what arrived is compared. Prints a line that begins with a word in capitals; service.yaml
# judges by it.
set -u
case=$1 address=$2 port=$3 seconds=$4
shift 4
bytes=0
began=$(date +%s%N)

tftp_do() {
    timeout "$seconds" tftp "$address" "$port" -m binary -c "$@" 2>&1
    [ $? -ne 124 ] || { echo "SILENT for $seconds s: $*"; exit 1; }
}

compare() {
    if cmp -s "$1" "$2"; then
        bytes=$((bytes + $(wc -c <"$1")))
    elif [ -s "$2" ]; then
        echo "DIFFERENT: $3 came with $(wc -c <"$2") bytes, $(cmp "$1" "$2" 2>&1 | head -1)"
        exit 1
    else
        echo "NOTHING: $3 did not come"
        exit 1
    fi
}

case $case in
missing)
    rm -f missing.got
    answer=$(tftp_do get no-such-file missing.got) || { echo "$answer"; exit 1; }
    case $answer in
    *"Error code 1"*) echo "REFUSED with error code 1" ;;
    *) echo "ACCEPTED: $answer" ;;
    esac
    exit 0
    ;;
get | put)
    for path in expected/*.bin; do
        name=${path#expected/}
        rm -f "$name.got"
        remote=$name
        if [ "$case" = put ]; then
            remote=put.$$.$name
            tftp_do put "$path" "$remote"
        fi
        tftp_do get "$remote" "$name.got"
        compare "$path" "$name.got" "$remote"
    done
    ;;
esac
spent=$(($(date +%s%N) - began))
echo "THROUGHPUT $((bytes * 1000000 / (spent / 1000 + 1))) B/s"
echo "SAME: $bytes bytes"
