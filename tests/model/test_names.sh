#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The model's README says which code each step stands for, as `file:name`. Every
# such function, or mutant, must be there; each mistake and each assertion of the
# model must be searched for; and each must be explained in the README.
set -eu
cd "${GCS_SOURCE_DIR:-$(dirname "$0")/../..}"
readme=tests/model/README.md model=tests/model/view_agreement.pml searches=tests/model/searches
missing=0
complain() {
    echo "$1"
    missing=$((missing + 1))
}

names=$(grep -oE '`[a-z_/]+\.[ch]:[a-z_]+`' "$readme" | tr -d '`' | sort -u)
for name in $names; do
    file=${name%%:*} symbol=${name#*:}
    case $file in
    gcs/base/mutant.h) pattern="X($symbol," ;;
    *) pattern="^[a-z].*[ *]$symbol(" ;;
    esac
    grep -q "$pattern" "$file" 2>/dev/null || complain "$readme: there is no $symbol in $file"
done
[ "$(echo "$names" | wc -l)" -gt 20 ] || complain "$readme: names hardly any code"

planted=$(grep -oE '(MISTAKE|STORY)_[A-Z_]+' "$model" | sort -u)
asserted=$(sed -n 's/.*assert(\([a-z_]*\)).*/\1/p' "$model" | sort -u)
for name in $planted; do
    grep -q "^$name " "$searches" || complain "$searches: no $name"
    grep -q "$name" "$readme" || complain "$readme: no $name"
done
for name in $asserted; do
    grep -q "$name" "$readme" || complain "$readme: no $name"
    grep -qE "^[A-Z_]+ +$name( |\$)" "$searches" || complain "$searches: nothing makes $name fail"
done
echo "$(echo "$names" | wc -l) names, $(echo "$planted" | wc -l) mistakes and stories, $missing missing"
[ "$missing" = 0 ]
