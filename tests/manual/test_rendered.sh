#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual as HTML and PDF: each page is there, each link between pages leads to one, and nothing
# was complained about.
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"
command -v mandoc >/dev/null || { echo "SKIPPED: there is no mandoc"; exit 77; }

expect "script/manual works" "$root/script/manual" "$tmp/manual"
for page in "$man"/*; do
    html=$tmp/manual/$(basename "$page").html
    expect "$(basename "$html")" grep -q '</html>' "$html"
    expect "$(basename "$html") in the index" grep -qF "href=\"$(basename "$html")\"" "$tmp/manual/index.html"
done
# Links to pages of ours; the system's are not here.
grep -ohE 'href="gcs[^"#]*\.html' "$tmp"/manual/*.html | sed 's/href="//' | sort -u >"$tmp/links"
while read -r link; do
    name=${link%.html}
    [ -e "$man/$name" ] || continue # test_links.sh says so
    expect "$link" test -s "$tmp/manual/$link"
done <"$tmp/links"
expect "a PDF" sh -c "head -c 5 $tmp/manual/libgcs.pdf | grep -q '%PDF-'"
expect "that ends as one" sh -c "tail -c 8 $tmp/manual/libgcs.pdf | grep -q '%%EOF'"
finish 100
