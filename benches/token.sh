#!/usr/bin/env bash
# Measures `keyfob token` on a valid session against what it cannot do without.
#
#     benches/token.sh [--rounds N] [PROGRAM]
#
# Without PROGRAM the release build is made and measured. Everything happens in a temporary folder, on a message bus and in
# a keyring of its own; the logins are at a server on loopback that hands out tokens. Rows:
#
#   empty program        `fn main() {}`, compiled by rustc: the start and end of a process
#   keyring read         the same, and one secret of 2 KiB read from the Secret Service over a plain session
#   token, kernel cache  `keyfob token`, session in the keyring, access token still in the kernel key ring
#   token, keyring       the same with `token_cache = false`: out of the Secret Service
#   token, file          session in an encrypted file, its key in a file, `token_cache = false`
#
# Wall time is the median and the least of N runs (300), the rows taking turns, so that a busy moment of the machine meets
# all of them; where the machine has other work, the least says more.
# Instructions are those of the process in user mode, counted by callgrind; memory is the peak of the resident set. Compare
# ratios, taken in one run on one machine; milliseconds belong to the machine.
#
# Needed: cargo and rustc, python3, dbus-run-session, dbus-send, gnome-keyring-daemon. Without valgrind there are no
# instructions, without /usr/bin/time (GNU) no memory.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")

# ------------------------------------------------------------------ outside: build, make a folder, start a bus

outside() {
  local rounds=300 program=''
  while [ $# -gt 0 ]; do
    case $1 in
      --rounds) rounds=$2; shift 2 ;;
      -h | --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
      -*) echo "token.sh: unknown option $1" >&2; exit 2 ;;
      *) program=$(readlink -f -- "$1"); shift ;;
    esac
  done
  local command missing=()
  for command in cargo rustc python3 dbus-run-session dbus-send gnome-keyring-daemon; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  [ ${#missing[@]} = 0 ] || { echo "token.sh: missing: ${missing[*]}" >&2; exit 2; }

  cd "$here/.."
  local target
  target=$(cargo metadata --no-deps --locked --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
  local parts=(--example secret_service_read)
  [ -n "$program" ] || parts+=(--bin keyfob)
  cargo build --release --locked "${parts[@]}" >&2
  program=${program:-$target/release/keyfob}

  # Short, because the path of a socket holds some hundred characters. Not `local`: the trap runs outside.
  folder=$(mktemp -d /tmp/keyfob-bench-XXXXXX)
  trap 'rm -rf -- "$folder"' EXIT
  mkdir -p "$folder/run" "$folder/home"
  chmod 700 "$folder/run"
  echo 'fn main() {}' >"$folder/empty.rs"
  rustc --edition 2024 -O -C panic=abort -C strip=symbols -o "$folder/empty" "$folder/empty.rs"
  cp -- "$target/release/examples/secret_service_read" "$folder/read"
  cp -- "$program" "$folder/keyfob"

  # Nothing of the person's desktop, keyring or settings.
  env -i PATH="$PATH" HOME="$folder/home" XDG_RUNTIME_DIR="$folder/run" XDG_DATA_HOME="$folder/data" \
    XDG_CONFIG_HOME="$folder/config" XDG_CACHE_HOME="$folder/cache" XDG_STATE_HOME="$folder/state" \
    dbus-run-session -- "$here/token.sh" --inside "$folder" "$rounds"
}

# ------------------------------------------------------------------ inside: keyring, server, logins, measurement

inside() {
  local folder=$1 rounds=$2
  cd "$folder"
  trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

  gnome-keyring-daemon --foreground --unlock --components=secrets < <(printf benchmark) >/dev/null 2>&1 &
  until_true 'the keyring' has_login_collection

  issue_tokens >"$folder/port" &
  until_true 'the server' test -s "$folder/port"
  local port
  port=$(<"$folder/port")

  # Who consents: takes the address, and calls the redirect URI in it.
  cat >"$folder/browser" <<'BROWSER'
#!/usr/bin/env python3
import sys, urllib.parse, urllib.request
query = urllib.parse.parse_qs(urllib.parse.urlsplit(sys.argv[-1]).query)
answer = urllib.parse.urlencode({"code": "benchmark", "state": query["state"][0]})
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(query["redirect_uri"][0] + "?" + answer).read()
BROWSER
  chmod 755 "$folder/browser"

  local settings
  for settings in cached uncached; do
    mkdir -p "$folder/$settings"
    cat >"$folder/$settings/providers.toml" <<PROVIDERS
schema = 1

[providers.benchmark]
name = "Benchmark"
protocol = "oauth2"
authorization_endpoint = "http://127.0.0.1:$port/authorize"
token_endpoint = "http://127.0.0.1:$port/token"
client_id = "benchmark"
scopes = ["benchmark"]
PROVIDERS
    chmod 600 "$folder/$settings/providers.toml"
  done
  echo 'token_cache = true' >"$folder/cached/config.toml"
  echo 'token_cache = false' >"$folder/uncached/config.toml"

  local in_keyring="KEYFOB_STORAGE=keyring KEYFOB_STATE_DIR=$folder/keyring-state"
  local in_file="KEYFOB_STORAGE=file KEYFOB_FILE_KEY=$folder/key KEYFOB_STATE_DIR=$folder/file-state"
  local login=(env "BROWSER=$folder/browser" "$folder/keyfob" login benchmark --quiet)
  # shellcheck disable=SC2086 # the variables are separated by blanks on purpose
  {
    env $in_keyring KEYFOB_CONFIG_DIR="$folder/cached" "${login[@]}"
    env $in_file KEYFOB_CONFIG_DIR="$folder/uncached" "${login[@]}"
  }
  if ! grep -q ' keyfob:' /proc/keys 2>/dev/null; then
    echo 'note: the kernel key ring cannot be used here; the row with the cache is one without' >&2
  fi
  "$folder/read" store 2048

  measure "$rounds" "$folder" <<ROWS
empty program	-	./empty
keyring read	empty program	./read
token, kernel cache	empty program	$in_keyring KEYFOB_CONFIG_DIR=$folder/cached ./keyfob token benchmark
token, keyring	keyring read	$in_keyring KEYFOB_CONFIG_DIR=$folder/uncached ./keyfob token benchmark
token, file	empty program	$in_file KEYFOB_CONFIG_DIR=$folder/uncached ./keyfob token benchmark
ROWS

  # Else the token would stay in the kernel key ring for an hour, and a user may keep little there.
  # shellcheck disable=SC2086
  env $in_keyring KEYFOB_CONFIG_DIR="$folder/cached" "$folder/keyfob" logout benchmark --quiet
}

until_true() {
  local what=$1 tries=0
  shift
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { echo "token.sh: $what does not get ready" >&2; exit 1; }
    sleep 0.05
  done
}

has_login_collection() {
  # Asks for the owner first: the bus would answer any other call by starting a second keyring, a locked one.
  call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets |
    grep -q 'boolean true' &&
    call org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.ReadAlias string:default |
    grep -q /collection/login
}

call() {
  local destination=$1
  shift
  dbus-send --session --print-reply --reply-timeout=5000 --dest="$destination" "$@" 2>/dev/null
}

# Answers every token request with a token that is good for ten hours; prints its port first.
issue_tokens() {
  exec python3 -c '
import http.server, json, secrets
class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps({"access_token": secrets.token_urlsafe(700), "token_type": "Bearer", "expires_in": 36000,
                             "refresh_token": secrets.token_urlsafe(300)}).encode()
        self.send_response(200)
        for name, value in ("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Content-Length", len(answer)):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Server)
print(server.server_address[1], flush=True)
server.serve_forever()'
}

# Reads rows of name, floor and command, and prints the table.
measure() {
  python3 -c '
import os, re, shutil, statistics, subprocess, sys, time

rounds, folder = int(sys.argv[1]), sys.argv[2]
rows = []
for line in sys.stdin.read().splitlines():
    name, floor, command = line.split("\t")
    words = command.split()
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    rows.append((name, floor, [word for word in words if "=" not in word], {**os.environ, **variables}))
null = open(os.devnull, "r+b")

def run(command, environment):
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment,
                         file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
    status = os.waitpid(pid, 0)[1]
    took = time.perf_counter() - start
    if status:
        sys.exit("token.sh: %s ended with status %d" % (" ".join(command), os.waitstatus_to_exitcode(status)))
    return took

def under(tool, pattern, command, environment):
    if not shutil.which(tool[0]):
        return None
    done = subprocess.run(tool + command, env=environment, stdin=null, stdout=null, stderr=subprocess.PIPE, text=True)
    found = re.search(pattern, done.stderr)
    return int(found.group(1)) if found and done.returncode == 0 else None

def first_error(command, environment):
    done = subprocess.run(command, env=environment, stdin=null, stdout=null, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("token.sh: %s: %s" % (" ".join(command), done.stderr.strip()))

walls = {name: [] for name, *_ in rows}
for _, _, command, environment in rows:
    first_error(command, environment)
for turn in range(rounds + 10):
    for name, _, command, environment in rows:
        took = run(command, environment)
        if turn >= 10:
            walls[name].append(took * 1000)
callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
counts = {name: under(callgrind, r"Collected : (\d+)", command, environment) for name, _, command, environment in rows}
peaks = {name: under(["/usr/bin/time", "-f", "peak %M"], r"peak (\d+)", command, environment)
         for name, _, command, environment in rows}

def ratio(values, name, floor):
    return "%.2f" % (values[name] / values[floor]) if values.get(name) and values.get(floor) else "-"

median = {name: statistics.median(values) for name, values in walls.items()}
least = {name: min(values) for name, values in walls.items()}
print("%-20s %9s %6s %9s %6s %13s %6s %9s   %s" % (
    "", "median ms", "ratio", "least ms", "ratio", "instructions", "ratio", "peak KiB", "ratio to"))
for name, floor, *_ in rows:
    print("%-20s %9.3f %6s %9.3f %6s %13s %6s %9s   %s" % (
        name, median[name], ratio(median, name, floor), least[name], ratio(least, name, floor),
        "-" if counts[name] is None else format(counts[name], ","), ratio(counts, name, floor),
        "-" if peaks[name] is None else format(peaks[name], ","), floor))
print("binary: %s bytes; %d runs of each row" % (format(os.path.getsize(folder + "/keyfob"), ","), rounds))
' "$@"
}

case ${1-} in
  --inside) shift; inside "$@" ;;
  *) outside "$@" ;;
esac
