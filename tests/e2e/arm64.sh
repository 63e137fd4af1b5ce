#!/bin/sh
# The same simulated values on arm64 as on x86-64: the program is cross-built, run
# under user-mode emulation, and its runs' digests are held against the native
# program's. The arm64 libraries are unpacked into a folder of their own; nothing
# is installed. Takes minutes, so it runs in `make soak`.
. tests/e2e/lib.sh
name="same digests on arm64"
if [ -z "$KMS_SOAK" ]; then ok "$name (make soak only)"; exit 0; fi
case $(uname -m) in x86_64) ;; *) ok "$name (from x86-64 only)"; exit 0 ;; esac
for tool in aarch64-linux-gnu-gcc qemu-aarch64-static; do
	command -v $tool >/dev/null || { not_ok "$name" "$tool is not installed"; exit 1; }
done

# ---- libraries of the other architecture: downloaded and unpacked, by an apt of its own ----
apt() {
	apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$work/state" \
		-o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 \
		--no-install-recommends "$@" >>"$work/apt" 2>&1
}
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/root" "$work/include"
: >"$work/status"
if ! apt update || ! apt --download-only install libboost-context-dev libcjson-dev libsqlite3-dev libgsl-dev \
		libzstd-dev libxxhash-dev libncurses-dev libhwloc-dev uthash-dev zlib1g-dev liblzma-dev \
		libtracecmd-dev libtraceevent-dev libtracefs-dev; then
	not_ok "$name" "$(tail -n 5 "$work/apt")"
	exit 1
fi
for package in "$work"/cache/archives/*.deb; do
	case ${package##*/} in
	libc6-dev_* | linux-libc-dev_*) ;; # the cross compiler has its own
	*) dpkg -x "$package" "$work/root" ;;
	esac
done
for header in boost cjson gsl hwloc hwloc.h sqlite3.h zstd.h zstd_errors.h xxhash.h xxh3.h ncurses.h curses.h \
		ncurses_dll.h unctrl.h uthash.h utlist.h utarray.h zlib.h zconf.h lzma.h lzma; do
	for folder in "$work/root/usr/include/aarch64-linux-gnu" "$work/root/usr/include"; do
		if [ -e "$folder/$header" ]; then ln -s "$folder/$header" "$work/include/$header"; break; fi
	done
done
libraries=$work/root/usr/lib/aarch64-linux-gnu
if ! CPPFLAGS="-I$work/include" PKG_CONFIG_LIBDIR="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root" \
		make -j2 O="$work/build" CROSS_COMPILE=aarch64-linux-gnu- \
		LDFLAGS="-L$libraries -L$work/root/lib/aarch64-linux-gnu -Wl,-rpath-link,$libraries:$work/root/lib/aarch64-linux-gnu" \
		>"$work/make" 2>&1; then
	not_ok "$name" "$(grep -v '^  ' "$work/make" | tail -n 10)"
	exit 1
fi
cat >"$work/kmemsim" <<END
#!/bin/sh
exec qemu-aarch64-static -L "$work/root" -E LD_LIBRARY_PATH="$libraries:$work/root/lib/aarch64-linux-gnu" "$work/build/kmemsim" "\$@"
END
chmod +x "$work/kmemsim"

# of KMEMSIM CONFIG [OPTION...]: a run's digest
of() {
	program=$1 config=$2
	shift 2
	rm -f "$work/run.db"
	"$program" run "configs/experiments/$config.json" --db "$work/run.db" -q "$@" >/dev/null 2>"$work/err" &&
		"$program" digest latest --db "$work/run.db" || cat "$work/err" >&2
}
native=$(realpath "$kmemsim") other=$work/kmemsim
same "slub-smp4, functional" "$(of "$native" slub-smp4 --set timing=functional)" "$(of "$other" slub-smp4 --set timing=functional)"
same "slub-smp4, every access timed" "$(of "$native" slub-smp4)" "$(of "$other" slub-smp4)"
same "slub-up on SLAB, timed" "$(of "$native" slub-up --policy slab)" "$(of "$other" slub-up --policy slab)"
same "synthetic" "$(of "$native" synthetic)" "$(of "$other" synthetic)"
exit $status
