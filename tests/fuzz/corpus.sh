#!/bin/bash
# Writes the seed corpora corpus/<target>/ from the golden vectors (and a few wrong neighbours of them). Run from the project root
# after a golden vector was added; what a fuzzer found is added by hand beside them and is not touched.
set -euo pipefail
golden=tests/golden
corpus=tests/fuzz/corpus

bytes() { printf "$(sed '/^#/d' "$golden/wire_$1.hex" | tr -d '\n' | sed 's/../\\x&/g')"; }
put() { mkdir -p "$corpus/$1" && cat >"$corpus/$1/$2"; }
after() { printf "$1" && bytes "$2"; }

for v in commit_canonical commit_reduced birth charter roster act_admit heads_message hello sub; do
    bytes $v | put unpack $v
done
printf '\x83\x01\xa2\xc3\xa9\x02\xd0\xdf\xcd\x01\x00\xc3' | put unpack map
printf '\xdd\xff\xff\xff\xff' | put unpack four_giga_items
printf '\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91' | put unpack depth
printf '\x82\x01\x00\x01\x00' | put unpack key_twice

after '\x00' commit_canonical | put commit canonical
after '\x01' commit_reduced | put commit reduced
printf '\x01\x92\x02\xa1x' | put commit newer

bytes packed_plain | put packed plain
bytes packed_zstd | put packed zstd
printf '\x01\x50\x2a\x4d\x18\x04\x00\x00\x00\x01\x02\x03\x04' | put packed skippable
printf '\x01\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x00\x00' | put packed exbibyte
printf '\x01\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00' | put packed empty

bytes birth | put birth birth

after '\x00' sealed | put sealed inside
after '\x01' sender_key | put sealed key
printf '\x01\x96\x02\x00\x00\x00\x00\x00' | put sealed newer_key
{ printf '\x00\x00\x0d\x94\x01\x01\x00\xc4\x07\x01\x28\xb5\x2f\xfd\x20\xff' && head -c 121 /dev/zero; } | put sealed short_frame

after '\x00' notice | put notice envelope
after '\x01' charter | put notice charter
after '\x02' roster | put notice roster
after '\x03' act_admit | put notice act_admit
after '\x03' act_suspend | put notice act_suspend
after '\x04' card | put notice card
after '\x05' frontier | put notice frontier
after '\x06' fork_proof | put notice fork_proof
after '\x07' heads | put notice heads
# Neighbours of what is signed, as a downgrade or a forger would make them: `bend NAME AT HEX` writes other bytes at that place.
bend() { local hex; hex=$(sed '/^#/d' "$golden/wire_$1.hex" | tr -d '\n') && printf "$(echo "${hex:0:$((2 * $2))}$3${hex:$((2 * $2 + ${#3}))}" | sed 's/../\\x&/g')"; }
bent() { printf "$1" && bend "$2" "$3" "$4"; }
same() { printf "$1%.0s" $(seq "$2"); }
while read -r kind vector name at hex; do
    bent "\\x0$kind" "$vector" "$at" "$hex" | put notice "${vector}_$name"
done <<END
1 charter format_0 1 00
1 charter format_2 1 02
1 charter threshold_0 21 00
1 charter threshold_6 21 06
2 roster format_0 1 00
2 roster format_2 1 02
2 roster number_0 36 00
2 roster number_not_shortest 35 cc02
2 roster threshold_0 71 00
2 roster threshold_4 71 04
2 roster no_keys 72 90
2 roster key_twice 109 $(same b0 32)
2 roster keys_falling 109 $(same a0 32)
2 roster profile_9 184 09
2 roster protocol_0 185 00
2 roster members_four_giga 186 ddffffffff
2 roster role_3 206 03
3 act_admit format_0 1 00
3 act_admit format_2 1 02
3 act_admit number_0 54 00
3 act_admit action_9 90 09
4 card format_0 1 00
4 card format_2 1 02
4 card role_3 54 03
END
for n in 1 36 72 187 300 546; do
    { printf '\x02' && bytes roster | head -c $n; } | put notice roster_cut_$n
done

session='\x01\x02\x03\x04\x05\x06\x07\x08'
bytes frame | put message frame
after '\x00\x00\x00\x00\x00\x00\x00\x00\x01' hello | put message hello
after "$session\x02" hello_ack | put message hello_ack
after "$session\x03" heads | put message echo
after "$session\x04" heads_message | put message heads
after "$session\x05" sub | put message sub
after "$session\x05" sub_all | put message sub_all
after "$session\x06" stop | put message stop
after "$session\x07" seg | put message seg
after "$session\x08" notices | put message notices
after "$session\x09" notice_message | put message notice
after "$session\x0a" ping | put message ping
after "$session\x0c" bye | put message bye

after '\x00' bundle_head | put bundle head
after '\x01' bundle_document | put bundle document
after '\x03' bundle_contents | put bundle contents
after '\x04' bundle_trailer | put bundle trailer
{ printf '\x02\x92\xc4\x01x\xc4\x40' && printf '\x5a%.0s' $(seq 64); } | put bundle signed
printf '\x05griot bundle 1\n\x00\x00\x01\x00' | put bundle opening
printf '\x05griot bundle 12\n\x00\x00\x01\x00' | put bundle newer
printf '\x05griot bundle 1\n\xff\xff\xff\xff' | put bundle four_giga_head
printf '\x06\x01\x00\x00\x01\x00' | put bundle chunk
printf '\x06\x00\xff\xff\xff\xff' | put bundle four_giga_chunk
{ printf '\x07\x00\x00\x40' && bytes bundle_document | head -c 64; } | put bundle file_of_nonsense

carried() { printf "$1" && printf "$(sed '/^#/d' "$golden/$2.hex" | tr -d '\n' | sed 's/../\\x&/g')"; }
carried '\x01' proposal | put carried proposal
{ printf '\x02' && carried '' proposal | tail -c +50; } | put carried proposal_resealed
{ printf '\x03' && cat $golden/root_key.txt; } | put carried root_key
{ printf '\x04' && cat $golden/root_signature.txt; } | put carried root_signature
{ printf '\x04' && head -c 120 $golden/root_signature.txt; } | put carried root_signature_short
printf '\x03griot root key 2\n' | put carried root_key_newer
printf '\x00griot region 1\n\xdd\xff\xff\xff\xff' | put carried region_four_giga
printf '\x00griot region 2\n\x90' | put carried region_newer
{ printf '\x00griot region 1\n\x91\xc5\x01\x00' && bytes notice; } | put carried region_short
printf '\x02\x92\xc4\x00\x90' | put carried proposal_of_nothing
