#!/bin/sh
# Fails where a tracked file names a path of somebody's machine: home folders, and the place of this checkout.
set -eu
cd "$(dirname "$0")/.."

literal() { printf '%s' "$1" | sed 's/[][\.*^$(){}?+|/]/\\&/g'; }
before='(^|[^A-Za-z0-9_./~-])' # not in the middle of a longer path or a URL
# /home/flux is what the controllers call their own home, in their messages.
places='/root/|/Users/[a-z]|[A-Z]:\\Users\\|/home/([^f]|f[^l]|fl[^u]|flu[^x])'
places="$places|$(literal "$(pwd -P)")(/|\$)"

status=0
git grep -nIE "$before($places)" -- . ':!scripts/check-paths.sh' || status=$?
case $status in
    0) echo "check-paths.sh: the lines above name a path of somebody's machine" >&2; exit 1 ;;
    1) ;; # nothing found
    *) echo "check-paths.sh: git grep failed; is this a git checkout of your own?" >&2; exit 2 ;;
esac
