# weir: the main job, shown: an echo server on loopback, driven over real connections. Sourced by scripts/run.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash

connections=50
seconds=3
sizes=(64 1024 65536)
server=
scratch=

# json_number LINE KEY
json_number() { sed -n "s/.*\"$2\": *\\([-+0-9.eE]*\\).*/\\1/p" <<<"$1"; }

# CPU time of all threads of the server so far, in nanoseconds.
server_cpu() { awk '{ sum += $1 } END { printf "%.0f", sum }' /proc/"$server"/task/*/schedstat; }

clean_up() {
  if [[ -n $server ]]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
}

first_line() { head -n 1 "$1" 2>/dev/null || true; }

# start_server TOOL: sets `server` and `address`.
start_server() {
  "$1" echo --listen 127.0.0.1:0 >"$scratch/server.out" 2>"$scratch/server.err" &
  server=$!
  local tries
  for ((tries = 0; tries < 200; ++tries)); do
    address=$(sed -n 's/^listening on \(.*\)$/\1/p' "$scratch/server.out")
    [[ -z $address ]] || return 0
    kill -0 "$server" 2>/dev/null || die "the server did not start: $(first_line "$scratch/server.err")"
    sleep 0.05
  done
  die "the server did not say where it listens within 10 s"
}

stop_server() {
  local tries status=0
  kill -TERM "$server"
  for ((tries = 0; tries < 300; ++tries)); do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  ((tries < 300)) || die "the server did not stop within 15 s of SIGTERM"
  wait "$server" || status=$?
  server=
  ((status == 0)) || die "the server ended with status $status: $(first_line "$scratch/server.err")"
}

# measure TOOL SIZE: prints one row of the table; the size first, so that it shows what is going on.
measure() {
  local line before after
  printf '%8s B ' "$2"
  before=$(server_cpu)
  line=$(timeout $((seconds + 30)) "$1" bench echo --connect "$address" --connections "$connections" --size "$2" --seconds "$seconds" --json \
    2>"$scratch/bench.err") || { echo; die "weir bench echo failed at $2 B: $(first_line "$scratch/bench.err")"; }
  after=$(server_cpu)
  local requests errors
  requests=$(json_number "$line" requests)
  errors=$(json_number "$line" errors)
  [[ -n $requests && $requests != 0 ]] || { echo; die "no request was answered at $2 B"; }
  [[ $errors == 0 ]] || { echo; die "$errors of the connections failed at $2 B"; }
  awk -v rps="$(json_number "$line" requests_per_second)" -v mbps="$(json_number "$line" megabytes_per_second)" \
    -v p50="$(json_number "$line" p50)" -v p99="$(json_number "$line" p99)" -v p999="$(json_number "$line" p99_9)" \
    -v cpu="$before $after" -v requests="$requests" \
    'BEGIN { split(cpu, ns, " ")
             printf "%12.0f %10.1f %10.0f %10.0f %10.0f %22.2f\n", rps, mbps, p50, p99, p999, (ns[2] - ns[1]) / 1000 / requests }'
}

demo() {
  local tool=$1 size
  scratch=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  start_server "$tool"
  echo "weir echo listens on $address; weir bench echo drives it: $connections connections, $seconds s for each size"
  echo
  printf '%10s %12s %10s %10s %10s %10s %22s\n' size requests/s MB/s "p50 us" "p99 us" "p99.9 us" "server CPU us/request"
  for size in "${sizes[@]}"; do
    measure "$tool" "$size"
  done
  stop_server
  echo
  echo "The server stopped gracefully. Client and server shared $(nproc) cores."
}
