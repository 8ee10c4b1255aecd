#!/bin/sh
# Builds the archive that krew installs, dist/<version>/kubectl-fluxlayers_<os>_<arch>.tar.gz, and brings plugin.yaml up to date.
#
#   scripts/package.sh                     this platform, profile `dist`
#   scripts/package.sh --target TRIPLE     another platform that this machine can build for
#   scripts/package.sh --binary FILE       take FILE instead of building (its platform is --target, else this one)
#   scripts/package.sh --manifest          no archive: plugin.yaml only, for the archives that lie in dist/<version>/
#
# The same binary gives the same bytes: the archive has fixed names, order, owners, modes and times.
set -eu

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "package.sh: $*" >&2; exit 1; }

binary= target= archive=yes
while [ $# -gt 0 ]; do
    case $1 in
        --binary) [ $# -ge 2 ] || usage; binary=$2; shift 2 ;;
        --target) [ $# -ge 2 ] || usage; target=$2; shift 2 ;;
        --manifest) archive=no; shift ;;
        *) usage ;;
    esac
done
case $binary in ''|/*) ;; *) binary=$PWD/$binary ;; esac
cd "$(dirname "$0")/.."
version=v$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ "$version" != v ] || fail "no version in Cargo.toml"
dist=dist/$version # a folder of its own: an archive of another version is never taken for this one

sum() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

build_archive() {
    triple=${target:-$(rustc -vV | sed -n 's/^host: //p')}
    case $triple in
        x86_64-*) arch=amd64 ;;
        aarch64-*) arch=arm64 ;;
        *) fail "no archive is published for $triple" ;;
    esac
    suffix=
    case $triple in
        *-linux-*) os=linux ;;
        *-apple-darwin) os=darwin ;;
        *-windows-*) os=windows suffix=.exe ;;
        *) fail "no archive is published for $triple" ;;
    esac
    grep -q "/kubectl-fluxlayers_${os}_${arch}.tar.gz\$" plugin.yaml || fail "plugin.yaml has no platform $os/$arch"

    if [ -z "$binary" ]; then
        cargo build --locked --profile dist ${target:+--target "$target"}
        binary=${CARGO_TARGET_DIR:-target}/${target:+$target/}dist/kubectl-fluxlayers$suffix
    fi
    [ -f "$binary" ] || fail "no binary at $binary"
    [ -n "$(ls completions 2>/dev/null)" ] || fail "no files in completions/: run \`make completions\`"

    stage=$(mktemp -d)
    trap 'rm -rf "$stage"' EXIT
    mkdir "$stage/root" "$stage/root/completions"
    cp "$binary" "$stage/root/kubectl-fluxlayers$suffix"
    cp LICENSE "$stage/root/"
    cp completions/* "$stage/root/completions/"
    chmod 755 "$stage/root/kubectl-fluxlayers$suffix" "$stage/root/completions"
    chmod 644 "$stage/root/LICENSE" "$stage/root"/completions/*
    find "$stage/root" -exec env TZ=UTC touch -t 198001010000 {} +

    # GNU and BSD tar spell the owner differently; ustar holds nothing that either adds by itself.
    if tar --version 2>/dev/null | grep -q GNU; then owner='--owner=0 --group=0'; else owner='--uid 0 --gid 0'; fi
    name=kubectl-fluxlayers_${os}_${arch}.tar.gz
    mkdir -p "$dist"
    (
        cd "$stage/root"
        find . -type f | sed 's|^\./||' | LC_ALL=C sort >../files
        # shellcheck disable=SC2086 # two words
        COPYFILE_DISABLE=1 tar --format ustar --numeric-owner $owner -cf ../archive.tar -T ../files
    )
    gzip -n -9 <"$stage/archive.tar" >"$dist/$name"
    echo "$dist/$name  $(sum "$dist/$name")"
}

# A sum is that of the archive at hand; without one it stays while the URI stays, and is zeros after that.
rewrite_manifest() {
    sums=
    for file in "$dist"/kubectl-fluxlayers_*.tar.gz; do
        [ -f "$file" ] && sums="$sums $(basename "$file")=$(sum "$file")"
    done
    awk -v version="$version" -v sums="$sums" '
        BEGIN {
            count = split(sums, pairs, " ")
            for (i = 1; i <= count; i++) { split(pairs[i], pair, "="); sum[pair[1]] = pair[2] }
            zeros = sprintf("%064d", 0)
        }
        /^  version: / { print "  version: " version; next }
        /^      uri: / {
            before = $2
            count = split($2, part, "/")
            file = part[count]
            uri = part[1]
            for (i = 2; i < count - 1; i++) uri = uri "/" part[i]
            uri = uri "/" version "/" file
            print "      uri: " uri
            next
        }
        /^      sha256: / {
            if (file in sum) print "      sha256: \"" sum[file] "\""
            else if (uri == before) print
            else print "      sha256: \"" zeros "\""
            next
        }
        { print }
    ' plugin.yaml >plugin.yaml.new
    mv plugin.yaml.new plugin.yaml
    echo "plugin.yaml  $version, $(echo "$sums" | wc -w | tr -d ' ') of $(grep -c '^      uri: ' plugin.yaml) archives"
}

[ "$archive" = no ] || build_archive
rewrite_manifest
