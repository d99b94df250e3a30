#!/usr/bin/env bash
# Measures the commands that look at all sessions, with one and with ten thousand in the index.
#
#     benches/list.sh [--rounds N] [PROGRAM]
#
# Without PROGRAM the release build is made and measured. The index is written by this script, into a temporary folder;
# nothing else is read or asked. Wall time is the median of N runs (50) in milliseconds and as a ratio to an empty program,
# whose runs take turns with the others; instructions are those of the process in user mode, counted by callgrind.
#
# Needed: cargo and rustc, python3. Without valgrind there are no instructions.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")

rounds=50 program=''
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    -h | --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
    -*) echo "list.sh: unknown option $1" >&2; exit 2 ;;
    *) program=$(readlink -f -- "$1"); shift ;;
  esac
done
cd "$here/.."
if [ -z "$program" ]; then
  cargo build --release --locked --bin keyfob >&2
  program=$(cargo metadata --no-deps --locked --format-version 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/keyfob
fi
folder=$(mktemp -d /tmp/keyfob-bench-XXXXXX)
trap 'rm -rf -- "$folder"' EXIT
echo 'fn main() {}' >"$folder/empty.rs"
rustc --edition 2024 -O -C panic=abort -C strip=symbols -o "$folder/empty" "$folder/empty.rs"

python3 -c '
import base64, hashlib, json, os, re, shutil, statistics, subprocess, sys, time

rounds, folder, program = int(sys.argv[1]), sys.argv[2], sys.argv[3]
environment = {"PATH": os.environ["PATH"], "HOME": folder, "KEYFOB_STORAGE": "file", "KEYFOB_CONFIG_DIR": folder + "/config"}
now = int(time.time())

def line(number):
    name = "acme/user%05d" % number
    return name + "\t" + json.dumps({
        "v": 1, "session": name, "grant": "authorization_code", "scopes": ["openid", "email", "profile"],
        "token_type": "Bearer", "expires_at": now + 36000 + 7 * number, "refreshable": True,
        "issuer": "https://id.acme.example", "hosts": ["id.acme.example"], "client_id": "client", "store": "file",
        "created_at": now, "profile": {"id": str(number), "name": "User %d" % number, "username": "user%05d" % number,
                                       "email": "user%05d@acme.example" % number, "picture": None},
        "generation": base64.urlsafe_b64encode(hashlib.md5(name.encode()).digest()).decode()[:22]}, separators=(",", ":")) + "\n"

rows = [("empty program", [folder + "/empty"], environment)]
for count in 1, 10000:
    state = "%s/state-%d" % (folder, count)
    os.mkdir(state, 0o700)
    with open(os.open(state + "/index", os.O_WRONLY | os.O_CREAT, 0o600), "w") as index:
        index.writelines(map(line, range(count)))
    for words in "list", "list -q", "list --json", "token https://api.other.example/":
        rows.append(("%s, %d" % (words, count), [program] + words.split(), {**environment, "KEYFOB_STATE_DIR": state}))

def run(command, environment):
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000

def instructions(command, environment):
    if not shutil.which("valgrind"):
        return "-"
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(callgrind + command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    return format(int(re.search(r"Collected : (\d+)", done.stderr).group(1)), ",")

walls = {name: [] for name, *_ in rows}
for _ in range(rounds):
    for name, command, variables in rows:
        walls[name].append(run(command, variables))
median = {name: statistics.median(values) for name, values in walls.items()}
print("%-40s %9s %6s %13s" % ("", "median ms", "ratio", "instructions"))
for name, command, variables in rows:
    print("%-40s %9.3f %6.2f %13s" % (name, median[name], median[name] / median["empty program"],
                                      instructions(command, variables)))
' "$rounds" "$folder" "$program"
