#!/bin/sh
# The manual page and the shell completions hold every command and option that
# --help lists, and what reads them takes them.
. tests/e2e/lib.sh
"$kmemsim" help manual >"$work/kmemsim.1"
"$kmemsim" help completion >"$work/completion"
verbs=$("$kmemsim" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p')
[ "$(echo "$verbs" | wc -l)" -ge 15 ] || not_ok "commands are listed" "$verbs"
missing=
for verb in $verbs; do
	grep -q "^\.SS \"kmemsim $verb " "$work/kmemsim.1" || missing="$missing $verb"
	for option in $("$kmemsim" "$verb" --help | sed -n 's/^  \(-.,\|   \) --\([a-z0-9-]*\).*/\2/ip'); do
		grep -qi -- "\\\\-\\\\-$(echo "$option" | sed 's/-/\\\\-/g')" "$work/kmemsim.1" &&
			grep -q -- " --$option[ \"]" "$work/completion" || missing="$missing $verb:--$option"
	done
done
is "manual and completions know every command and option" "$missing" ""
is "no troff control line that is not ours" "$(grep '^[.'"'"']' "$work/kmemsim.1" |
	grep -v '^\.\(TH\|SH\|SS\|TP\|PP\|RS\|RE\|nf\|fi\|B\)\( \|$\)')" ""
if command -v groff >/dev/null; then
	is "groff takes the manual" "$(groff -man -ww -Tascii "$work/kmemsim.1" 2>&1 >/dev/null)" ""
fi
# complete WORD...: what the shell offers for the last word
complete_words() {
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kmemsim; echo ${COMPREPLY[*]}' "$work/completion" "$@"
}
is "a command" "$(complete_words kmemsim memt)" memtrace
is "an action" "$(complete_words kmemsim trace mi)" minimise
is "a lab" "$(complete_words kmemsim lab saw)" saw-tooth
is "an option" "$(complete_words kmemsim run x.json --print)" --print-config
exit $status
