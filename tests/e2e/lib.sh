# Shared by the end-to-end tests (sourced, not run): $1 is the build folder.
build=$1
kmemsim=$build/kmemsim
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0
ok() { echo "ok $1"; }
not_ok() { echo "not ok $1"; shift; for line; do echo "    $line"; done; status=1; }
# same NAME A B: two texts must be equal and not empty
same() { if [ -n "$2" ] && [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "first:  $2" "second: $3"; fi; }
# is NAME VALUE WANTED
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "found:  $2" "wanted: $3"; fi; }
# run DB CONFIG [OPTION...]: quiet run; its messages are shown when it fails
run() {
	db=$1; config=$2; shift 2
	"$kmemsim" run "configs/experiments/$config.json" --db "$db" -q "$@" >"$work/out" 2>"$work/err" && return 0
	r=$?; cat "$work/out" "$work/err" >&2; return $r
}
digest() { "$kmemsim" digest latest --db "$1"; }
