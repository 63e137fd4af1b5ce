#!/bin/sh
# Every verb that reads a file, with files of every wrong kind: it ends with status 2 and one
# message that names the file, soon, and leaves no output behind. Then outputs
# that cannot be written. badinput.sh has the messages word by word.
. tests/e2e/lib.sh
experiment=configs/experiments/slub-up.json
machine=configs/machines/teaching-tiny.json
trace=workloads/slub-up-ftrace.kmt
run good "$work/good.db" slub-up 2>/dev/null || "$kmemsim" run $experiment --timing functional --db "$work/good.db" -q \
	--set workload.max_requests=300 >/dev/null 2>&1
"$kmemsim" run configs/experiments/age.json --timing functional --db "$work/good.db" -q --save-state "$work/good.kms" \
	--set workload.max_requests=300 >/dev/null 2>&1
printf '0x1000 READ 1\n0x2000 WRI' >"$work/cut.mem"

# ---- wrong files ----
bad=$work/bad
mkdir "$bad"
: >"$bad/empty"
head -c 4000 "$trace" | tail -c 3000 >"$bad/garbage"
printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >"$bad/zeros"
mkdir "$bad/directory"
printf '%0400d\n' 9 | tr 0 9 >"$bad/huge"
printf '{"lab": "scenarios", "machine": [[[[[[[[' >"$bad/json"
printf '\050\265\057\375garbage behind the magic of zstd' >"$bad/zstd"
printf '\037\213\010\000garbage behind the magic of gzip' >"$bad/gzip"
printf '\177ELF\002\001\001\000' >"$bad/elf"
# cut FILE NAME SHARE: the first part of a sound file
cut_file() { head -c $(($(wc -c <"$1") * $3 / 100)) "$1" >"$bad/$2"; }
cut_file $trace trace-cut 60
cut_file "$work/good.db" db-cut 40
cut_file "$work/good.kms" state-cut 50
cut_file $experiment config-cut 50
cut_file tests/golden/slub-plain.txt.zst golden-cut 30
# version FILE NAME OFFSET: a sound file that says it is of a later version
later() { cp "$1" "$bad/$2"; printf '\377' | dd of="$bad/$2" bs=1 seek="$3" conv=notrunc 2>/dev/null; }
later $trace trace-later 8
later "$work/good.kms" state-later 8
cp $trace "$bad/trace-nobody"; chmod 000 "$bad/trace-nobody"
kinds="empty garbage zeros directory huge json zstd gzip elf trace-cut db-cut state-cut config-cut golden-cut trace-later
	state-later none"

# wrong NAME SKIP COMMAND...: with % for the file; SKIP: kinds that this reader may take
# Numbers of failures are collected, so that one verb is one test.
wrong() {
	name=$1 skip=$2; shift 2
	failed=
	for kind in $kinds; do
		case " $skip " in *" $kind "*) continue ;; esac
		set -- "$@" # unchanged: % is put in below
		line=
		for word; do
			case $word in
			*%*) word=${word%%%*}$bad/$kind${word#*%} ;;
			esac
			line="$line '$word'"
		done
		eval "timeout 20 $kmemsim $line" >"$work/out" 2>"$work/err" </dev/null
		got=$?
		left=$(ls -d "$work"/new* 2>/dev/null | grep -v 'new.db' | tr '\n' ' ')
		rm -rf "$work"/new*
		if [ $got -ne 2 ] || [ -n "$left" ] || [ ! -s "$work/err" ] || ! grep -q "$kind" "$work/err"; then
			failed="$failed$kind: status $got, left '$left': $(head -n 1 "$work/err" | cut -c1-160)
"
		fi
	done
	if [ -z "$failed" ]; then ok "wrong files: $name"; else not_ok "wrong files: $name" "$failed"; fi
}
db="--db $work/new.db"
wrong "run CONFIG" "" run % --db "$work/new.db"
wrong "run --trace" "" run $experiment --timing functional --db "$work/new.db" --trace %
wrong "run, a saved state" "" run configs/experiments/aged.json --db "$work/new.db" --set workload.start_state=%
wrong "run, a machine" "" run $experiment --db "$work/new.db" --set machine.extends=%
wrong "run, a cost table" "" run $experiment --db "$work/new.db" --set costs=%
wrong "run, a policy" "" run $experiment --db "$work/new.db" --set allocator.slab=%
program=$(realpath "$kmemsim")
(cd "$work" && "$program" policy new mine && "$program" policy build mine.c) >/dev/null 2>&1
for share in 5 10 30 60 99; do cut_file "$work/mine.so" "policy-$share.so" $share; done
for kind in $kinds; do [ -f "$bad/$kind" ] && cp "$bad/$kind" "$bad/$kind.so"; done
all=$kinds
kinds="empty.so garbage.so elf.so trace-cut.so json.so none.so policy-5.so policy-10.so policy-30.so policy-60.so policy-99.so"
wrong "policies FILE.so" "" policies %
wrong "run, a policy's file" "" run $experiment --timing functional --db "$work/new.db" --set allocator.slab=%
kinds=$all
for verb in list "show latest" "compare 1 1" "digest latest" "plot latest"; do
	wrong "$verb" "" $verb --db %
done
wrong "import" "trace-cut trace-later" import % -o "$work/new.kmt"
for format in trace.dat ftrace trace-cmd-report perf-script mtrace rep; do
	wrong "import --format $format --strict" "" import % -o "$work/new.kmt" --format $format --strict
done
wrong "trace info" "" trace info %
wrong "trace cat" "" trace cat %
wrong "trace cut" "" trace cut % -o "$work/new.kmt" --from 1s
wrong "trace pack" "" trace pack % -o "$work/new.kmt"
wrong "trace anonymise" "" trace anonymise % -o "$work/new.kmt"
wrong "trace merge" "" trace merge % $trace -o "$work/new.kmt"
wrong "trace fit" "" trace fit % -o "$work/new.json"
wrong "trace make" "" trace make % -o "$work/new.kmt"
wrong "trace minimise" "" trace minimise % -o "$work/new.kmt" --keep fails --config $experiment
wrong "explain --machine" "" explain 'kmalloc(1)' --machine %
wrong "explain --config" "" explain 'kmalloc(1)' --config %
wrong "step" "" step % --script q
wrong "lab grade" "" lab grade %
wrong "validate" "" validate %
wrong "validate --golden" "" validate --golden %
for mode in --dram-only --cachegrind --coherence "--machine $machine"; do
	wrong "memtrace $mode" "" memtrace $mode %
done
wrong "memtrace, its machine" "" memtrace "$work/cut.mem" --machine %

# ---- files that may not be read ----
chmod 755 "$work" "$bad"
as=; [ "$(id -u)" = 0 ] && as="setpriv --reuid=65534 --regid=65534 --clear-groups"
for verb in "trace info" "import -o $work/new.kmt" "run" "lab grade" "validate --golden" "memtrace --coherence" "list --db"; do
	$as "$kmemsim" $verb "$bad/trace-nobody" >"$work/out" 2>"$work/err"
	is "not readable: $verb" "$? $(grep -c 'trace-nobody.*Permission denied\|trace-nobody.*cannot be read' "$work/err")" "2 1"
done

# ---- outputs ----
mkfifo "$work/fifo"
mkdir "$work/folder"
for to in "$work/fifo" "$work/folder" "$work/none/x"; do
	for verb in "import $bad/../rec.rep" "trace pack $work/t.txt" "trace cut $trace --from 1s" "trace fit $trace" \
		"trace make configs/experiments/adversary.json"; do
		printf '0\n1\n2\n1\na 0 10\nf 0\n' >"$work/rec.rep"
		timeout 20 "$kmemsim" $verb -o "$to" >"$work/out" 2>"$work/err"
		got=$?
		[ "$verb" = "trace pack $work/t.txt" ] && continue
		if [ $got -ne 2 ] || ! grep -qF "$to" "$work/err" || [ -e "$to.partial" ]; then
			not_ok "output $to: $verb" "status $got: $(head -n 1 "$work/err")"
		fi
	done
done
[ -p "$work/fifo" ] && [ -d "$work/folder" ] && ok "outputs that are no files stay as they are"
if [ -w /dev/full ]; then
	for verb in "list --db $work/good.db" "show latest --db $work/good.db" "show latest --json --db $work/good.db" \
		"compare 1 1 --db $work/good.db" "digest latest --db $work/good.db" policies workloads schema version help \
		"trace info $trace" "trace cat $trace" "explain kmalloc(100)" "lab list" "lab kmalloc-basics" \
		"memtrace --cachegrind $work/m.txt" "run $experiment --print-config"; do
		printf 'I  1000,4\n L 2000,8\n' >"$work/m.txt"
		"$kmemsim" $verb >/dev/full 2>"$work/err"
		is "disk full: $verb" "$? $(grep -cm1 'No space left on device' "$work/err")" "1 1"
	done
fi
exit $status
