#!/bin/sh
# Every string that a person reads is in the catalogues, and the catalogues are complete: nothing untranslated, fuzzy or left over; formats agree; and no
# command prints a sentence that did not go through gettext.
#   tests/lint/i18n.sh           check
#   tests/lint/i18n.sh update    merge new msgids into node/po/*.po, to be translated by a person
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8

extract() {
    xgettext --files-from=- --from-code=UTF-8 --language=C --add-location=file --sort-by-file --no-wrap --add-comments=TRANSLATORS: \
        --flag=_:1:pass-c-format --flag=ngettext:1:pass-c-format --flag=ngettext:2:pass-c-format --package-name=griot --msgid-bugs-address=operators@griot.invalid "$@"
}
# Several msgids in one call are read in several passes, one argument each. service_error(err, what, why, do) and warn(list, code, text, do) answer in English; the command line
# translates what they say. proto/record names its texts in table macros.
find node proto/record -name '*.[ch]' | LC_ALL=C sort >"$work/files"
extract --keyword --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --keyword=service_error:2 --keyword=warn:3 --keyword=answer_warn:3 --keyword=FIELD:7 --keyword=FIELD_CODES:5 --keyword=FIELD_GROUPED:5 \
    -o "$work/1.pot" <"$work/files"
extract --keyword --keyword=service_error:3 --keyword=warn:4 --keyword=answer_warn:4 --keyword=FIELD:8 --keyword=FIELD_CODES:6 --keyword=FIELD_GROUPED:6 -o "$work/2.pot" <"$work/files"
extract --keyword --keyword=service_error:4 -o "$work/3.pot" <"$work/files"
msgcat --sort-by-file --no-wrap --use-first -o "$work/griot.pot" "$work/1.pot" "$work/2.pot" "$work/3.pot"

if [ "${1:-}" = update ]; then
    for po in node/po/*.po; do
        msgmerge --quiet --add-location=file --no-fuzzy-matching --no-wrap --sort-by-file --backup=none --update "$po" "$work/griot.pot"
        msgattrib --add-location=file --no-obsolete --no-wrap --sort-by-file -o "$po" "$po"
        msgfmt --check --statistics -o /dev/null "$po"
    done
    exit 0
fi

faults=0
for po in node/po/*.po; do
    msgmerge --quiet --no-fuzzy-matching --no-wrap -o "$work/merged.po" "$po" "$work/griot.pot"
    for wrong in untranslated fuzzy obsolete; do
        case $wrong in
        untranslated) msgattrib --untranslated --no-wrap -o "$work/$wrong" "$work/merged.po" ;;
        fuzzy) msgattrib --only-fuzzy --no-obsolete --no-wrap -o "$work/$wrong" "$work/merged.po" ;;
        obsolete) msgattrib --only-obsolete --no-wrap -o "$work/$wrong" "$work/merged.po" ;;
        esac
        [ -e "$work/$wrong" ] || continue
        count=$(grep -c -E '^(#~ )?msgid "' "$work/$wrong" || true)
        [ "$wrong" != obsolete ] && [ "$count" -gt 0 ] && count=$((count - 1)) # the header
        if [ "$count" -gt 0 ]; then
            echo "i18n: $po: $count $wrong:"
            grep -A1 -E '^(#~ )?msgid "' "$work/$wrong" | grep -v -e '^--' -e 'msgid ""' | sed -n '1,10s/^/    /p'
            faults=$((faults + count))
        fi
        rm -f "$work/$wrong"
    done
    if ! msgfmt --check --check-accelerators=_ -o /dev/null "$po" 2>"$work/msgfmt"; then
        sed 's/^/i18n: /' "$work/msgfmt"
        faults=$((faults + 1))
    fi
done

# A literal with two words in a row, printed without _() in the command line's files. JSON keys and formats without words pass; a line that is right says why: "i18n-ok".
for file in $(find node/cli -name '*.c' | LC_ALL=C sort); do
    case $file in
    */completion.c | */manual.c) continue ;; # print bash and mdoc, whose words are commands
    esac
    grep -nE '(printf|puts|fputs|tell|fail|fail_because|progress|reply_text|table_column)\(.*"([^"%]|%[^"])*\b[A-Za-z]{3,} [a-z]{2,}[^"]*"' "$file" | grep -vE '_\(|ngettext\(|json_pack|"griot |i18n-ok' >"$work/bare" || true
    if [ -s "$work/bare" ]; then
        sed "s|^|i18n: $file:|; s|\$|   <- not through gettext|" "$work/bare"
        faults=$((faults + $(wc -l <"$work/bare")))
    fi
done

if [ "$faults" -gt 0 ]; then
    echo "i18n: $faults faults; tests/lint/i18n.sh update adds new msgids"
    exit 1
fi
echo "i18n: $(find node/po -name '*.po' | wc -l) catalogues complete, $(grep -c '^msgid "' "$work/griot.pot") messages"
