# What the scripts share; sourced, never run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# need_go ends with instructions when there is no Go toolchain new enough for go.mod.
need_go() {
  local want have
  want=$(sed -n 's/^go //p' go.mod)
  # Debian and the official archive both put it there without touching PATH.
  command -v go >/dev/null || PATH="$PATH:/usr/local/go/bin"
  if ! command -v go >/dev/null; then
    cat >&2 <<EOF
There is no Go toolchain on PATH. Drainproof needs Go $want or newer:
  - download it from go.dev/dl, unpack it to /usr/local and add /usr/local/go/bin to PATH, or
  - install your distribution's package (for example: apt-get install golang), if it is new enough.
Then run this command again.
EOF
    exit 2
  fi
  # `go list -m` obeys the go line of go.mod: an older toolchain fetches a newer
  # one where it may, and otherwise says so.
  if ! have=$(go list -m 2>&1); then
    echo "The Go toolchain ($(go version 2>&1)) cannot build this project, which needs Go $want or newer:" >&2
    echo "  $have" >&2
    exit 2
  fi
}

# counted shows that a compiler is at work: a line for every 40 packages that it
# names, and everything else it says.
counted() {
  local n=0 line
  while IFS= read -r line; do
    case $line in
      *[[:space:]:#]*) printf '%s\n' "$line" >&2 ;;
      *) n=$((n + 1)); if [ $((n % 40)) = 0 ]; then echo "  compiled $n packages, now $line"; fi ;;
    esac
  done
}

# build_drainproof compiles the command; it builds everything else itself.
build_drainproof() {
  need_go
  [ -x bin/drainproof ] || echo "building drainproof (the first time takes a minute or two) ..."
  mkdir -p bin
  CGO_ENABLED=0 go build -v -trimpath -buildvcs=false -o bin/drainproof ./harness/cmd/drainproof 2>&1 | counted
}
