#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual as HTML and PDF: each page is there, each link between pages leads to one, and nothing
# was complained about.
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"
command -v mandoc >/dev/null || { echo "SKIPPED: there is no mandoc"; exit 77; }

expect "script/manual works" sh -c "$root/script/manual $tmp/manual 2>$tmp/said"
# Of groff, or that there is none.
expect "nothing was complained about" sh -c "! grep -v crooked $tmp/said"
for page in "$man"/*; do
    html=$tmp/manual/$(basename "$page").html
    expect "$(basename "$html")" grep -q '</html>' "$html"
    expect "$(basename "$html") in the index" grep -qF "href=\"$(basename "$html")\"" "$tmp/manual/index.html"
done
# Links: to pages of ours, or to Debian's copy of the system's.
grep -ohE 'href="[^"#]+' "$tmp"/manual/*.html | sed 's/href="//' | grep -vE '^https?://' | sort -u >"$tmp/links"
while read -r link; do
    expect "the link to $link leads somewhere" test -s "$tmp/manual/$link"
done <"$tmp/links"
expect "system pages are linked to" grep -qF 'https://manpages.debian.org/bookworm/poll.2' "$tmp"/manual/*.html
expect "a PDF" sh -c "head -c 5 $tmp/manual/libgcs.pdf | grep -q '%PDF-'"
expect "that ends as one" sh -c "tail -c 8 $tmp/manual/libgcs.pdf | grep -q '%%EOF'"
finish 100
