#!/bin/bash
# make demo: a region on this machine, from nothing to a cable pulled and put back. Every record in it is invented and says so.
#   deploy/demo.sh BUILD     ALL=1 all 24 offices; DEMO_ONCE=1 ends by itself, as it does without a terminal; the exit code then tells whether everything arrived
set -u
cd "$(dirname "$0")/.." || exit 1
griot=$(realpath "$1")/griot
work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/griot-demo.XXXXXX")")
region=$work/region
data=deploy/demo
is_live=
[ -t 1 ] && [ -z "${DEMO_ONCE:-}" ] && is_live=1
edges=sn,gm,gw,cm
[ -n "${ALL:-}" ] && edges=24

# The language of the program: the first of the environment that is one of ours, else French.
lang=fr
for name in "${LC_ALL:-}" "${LC_MESSAGES:-}" "${LANG:-}"; do
    case $name in fr* | en* | pt*) lang=${name%"${name#??}"}; break ;; esac
done
say() { # FRENCH ENGLISH PORTUGUESE
    case $lang in fr) text=$1 ;; en) text=$2 ;; *) text=$3 ;; esac
    printf '\n%s%s%s\n' "${is_live:+$'\033[1m'}" "$text" "${is_live:+$'\033[0m'}"
}
run() { # shows the command as one would type it, then does it
    printf '%s\n' "${is_live:+$'\033[2m'}\$ griot ${*//$work\//}${is_live:+$'\033[0m'}"
    (cd "$work" && "$griot" --lang "$lang" "$@")
}
quietly() { (cd "$work" && "$griot" --lang "$lang" "$@" > "$work/out" 2>&1) || { cat "$work/out"; failed "$*"; }; }
failed() { say "Échec : $1" "Failed: $1" "Falhou: $1"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 3 "$log"; done; exit 1; }
finish() {
    code=$?
    trap - EXIT INT TERM
    [ -n "$is_live" ] && printf '\033[?25h'
    [ -d "$region/root" ] && "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

rows=0
table() { # who holds what, drawn over the last one on a terminal
    [ -n "$is_live" ] && [ "$rows" -gt 0 ] && printf '\033[%dA' "$rows"
    "$griot" --lang "$lang" --color "$([ -n "$is_live" ] && echo always || echo never)" sandbox status "$region" 2> /dev/null > "$work/table"
    rows=$(wc -l < "$work/table")
    while IFS= read -r line; do printf '%s%s\n' "$line" "${is_live:+$'\033[K'}"; done < "$work/table"
}
holds_all() { # COUNT: every node that is up holds so many records, lacks none, and all heads are equal
    "$griot" sandbox status "$region" --json 2> /dev/null |
        jq -e "[.nodes[].status] | all(. != null and .records == $1 and .missing.total == 0 and .missing.unknown == []) and ([.[].heads_digest] | unique | length) == 1" > /dev/null
}
watch_until() { # COUNT: the table, until everybody holds everything
    deadline=$((SECONDS + 60))
    rows=0
    while ! holds_all "$1"; do
        [ $SECONDS -lt $deadline ] || { table; failed "$1"; }
        [ -z "$is_live" ] || table
        sleep 0.1
    done
    table
}
breathe() { [ -z "$is_live" ] || sleep "$1"; }

# ---- a region ----
say "Une région sur cette machine : deux pôles et leurs bureaux, chacun un vrai processus." \
    "A region on this machine: two hubs and their offices, each a real process." \
    "Uma região nesta máquina: dois polos e os seus escritórios, cada um um processo verdadeiro."
quietly sandbox create "$region" --edges "$edges"
run sandbox up "$region" 2>&1 | tail -n 1
[ "${PIPESTATUS[0]}" -eq 0 ] || failed "up"
for node in rilo-dakar rilo-douala sn gm gw cm; do
    printf '  %-12s %s\n' "$node" "$("$griot" -H "$region/$node" card --json | jq -r .fingerprint)"
done
breathe 1

# ---- exercise records ----
say "Quatre bureaux saisissent des données d'exercice, toutes inventées, en français, en anglais et en portugais." \
    "Four offices enter exercise records, all of them invented, in French, English and Portuguese." \
    "Quatro escritórios introduzem registos de exercício, todos inventados, em francês, inglês e português."
total=0
enter() { # NODE FILE LANGUAGE
    "$griot" -H "$region/$1" import "$data/$2.csv" --map "$data/exercise-$3.ini" --rejected "$work/rejected.csv" --json > "$work/out" 2>&1 || { cat "$work/out"; failed "import $2"; }
    jq -e '.rejected == 0' "$work/out" > /dev/null || { cat "$work/out"; failed "import $2"; }
    accepted=$(jq .accepted "$work/out")
    total=$((total + accepted))
    printf '  %-4s %-16s %3d\n' "$1" "$2.csv" "$accepted"
    for alert in "$data/alert-$1"*.json; do
        quietly -H "$region/$1" record alert --from "$PWD/$alert"
        total=$((total + 1))
        printf '  %-4s %-16s %3d\n' "$1" "$(basename "$alert")" 1
    done
}
enter sn saisies-sn fr
enter gm seizures-gm en
enter gw apreensoes-gw pt
enter cm saisies-cm fr
echo
watch_until "$total"
say "Chaque bureau a tout, et répond de lui-même ; les codes se cherchent dans toutes les langues." \
    "Every office has everything, and answers by itself; codes are searched in any language." \
    "Cada escritório tem tudo e responde por si; os códigos procuram-se em qualquer língua."
run -H "$region/gm" search commodity:COCAINE
breathe 2

# ---- a pulled cable ----
say "Le câble de Bissau est arraché. Personne n'est prévenu ; des deux côtés on continue." \
    "Bissau's cable is pulled. Nobody is told; both sides go on." \
    "O cabo de Bissau é arrancado. Ninguém é avisado; dos dois lados continua-se."
run sandbox cut "$region" gw
quietly -H "$region/gw" record seizure date=2024-07-02 country=GW place=Bissau commodity=COCAINE description="EXERCÍCIO, apreensão inventada: pacotes no tanque de um jipe" quantity=4.5 unit=KGM is_exercise=true language=PT
quietly -H "$region/sn" record seizure date=2024-07-02 country=SN place=Dakar commodity=CIGARETTES description="EXERCICE, saisie inventée : cartons sous des mangues" quantity=900 unit=H87 is_exercise=true language=FR
quietly -H "$region/cm" record seizure date=2024-07-02 country=CM place=Douala commodity=IVORY description="EXERCICE, saisie inventée : bracelets bruts" quantity=2.2 unit=KGM is_exercise=true language=FR
deadline=$((SECONDS + 30))
until [ "$("$griot" -H "$region/gm" --json status | jq '.records')" -eq $((total + 2)) ]; do
    [ $SECONDS -lt $deadline ] || failed "the offices that are connected do not hear each other"
    sleep 0.1
done
rows=0
table
breathe 3
say "Le câble est remis. Ce que chacun a saisi seul arrive chez les autres." \
    "The cable is put back. What each recorded alone arrives at the others." \
    "O cabo é reposto. O que cada um registou sozinho chega aos outros."
run sandbox heal "$region" gw
total=$((total + 3))
watch_until "$total"
breathe 2

# ---- one more office ----
say "Un nouveau bureau : il se crée, montre sa carte, deux pôles l'admettent, il rejoint la région." \
    "A new office: it is made, shows its card, two hubs admit it, it joins the region." \
    "Um novo escritório: é criado, mostra o seu cartão, dois polos admitem-no, junta-se à região."
(umask 077 && head -c 32 /dev/urandom > "$region/root/unlock/academy")
run init academy -H "$region/academy" --region "$region/root/region" --key-file "$region/root/unlock/academy" || failed "init"
run card -H "$region/academy" --out "$work/academy.card" || failed "card"
run admit "$work/academy.card" -H "$region/rilo-dakar" || failed "admit"
sleep 0.5 # people are slower
run admit "$work/academy.card" -H "$region/rilo-douala" || failed "admit"
deadline=$((SECONDS + 30))
until "$griot" admit "$work/academy.card" -H "$region/rilo-douala" --json 2> /dev/null | jq -e '.state != "proposed"' > /dev/null; do
    [ $SECONDS -lt $deadline ] || failed "admit"
    sleep 0.1
done
run join "$region/root/region" -H "$region/academy" || failed "join"
quietly sandbox up "$region"
quietly -H "$region/academy" record alert --from "$PWD/$data/alert-academy.json"
total=$((total + 1))
watch_until "$total"

# ---- what to try next ----
say "À essayer dans un autre terminal (D=$region, griot=$griot) :" "Try in another terminal (D=$region, griot=$griot):" "Para experimentar noutro terminal (D=$region, griot=$griot):"
cat << TRY
  griot -H \$D/sn status
  griot -H \$D/sn search tramadol
  griot -H \$D/gm record seizure date=2024-07-03 country=GM commodity=GOLD quantity=1 unit=KGM is_exercise=true
  griot -H \$D/rilo-dakar lag
  griot sandbox cut \$D gm ;  griot sandbox heal \$D gm
  kill -9 \$(griot sandbox status \$D --json | jq '.nodes[0].pid') ;  griot sandbox up \$D
TRY
if [ -n "$is_live" ]; then
    say "Ctrl-C arrête tout et efface la région." "Ctrl-C stops everything and removes the region." "Ctrl-C para tudo e apaga a região."
    trap 'exit 0' INT TERM
    printf '\033[?25l'
    rows=0
    while :; do
        table
        sleep 1
    done
fi
