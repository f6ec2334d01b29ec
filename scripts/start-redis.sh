#!/bin/sh
# Starts Redis from redis.conf on a Unix socket in the data folder given as argument, unless one answers there already.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "$1" && pwd)
socket="$data/redis.sock"
answers() { [ "$(redis-cli -s "$socket" ping 2>/dev/null || true)" = PONG ]; }
answers && exit 0
redis-server "$here/redis.conf" --dir "$data" --unixsocket "$socket" --pidfile "$data/redis.pid" --logfile "$data/redis.log" --daemonize yes >/dev/null
tries=0
until answers; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    echo "Redis did not start: see $data/redis.log" >&2
    exit 1
  fi
  sleep 0.1
done
echo "Redis listens on $socket"
