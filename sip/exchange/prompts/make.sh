#!/usr/bin/env bash
# make.sh: makes the sound files of this folder again, from prompts.txt and from nothing else.
#
#   ./make.sh          needs espeak-ng and sox (apt-get install espeak-ng sox)
#
# Speech: espeak-ng speaks a line; sox cuts the silence around it, keeps the telephone band (300–3400 Hz),
# brings it to one loudness and writes raw G.711 µ-law at 8 kHz. Music: sox plucks every note.
# The result is the same bytes on every run with the same versions (espeak-ng 1.51, sox 14.4.2).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for tool in espeak-ng sox; do
  command -v "$tool" >/dev/null || { echo "make.sh: $tool is missing: apt-get install espeak-ng sox" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }

while IFS='|' read -r name voice speed pitch text; do
  name=$(trim "$name")
  case $name in ''|'#'*) continue ;; esac
  espeak-ng -v "$(trim "$voice")" -s "$(trim "$speed")" -p "$(trim "$pitch")" -w "$work/$name.wav" "$(trim "$text")"
  tail=()
  if [ "$name" = voicemail ]; then # the beep after the greeting
    sox -R -D -n -r 22050 -c 1 -b 16 "$work/beep.wav" synth 0.45 sine 1000 fade t 0.01 0.45 0.01 gain -9
    tail=("$work/beep.wav")
  fi
  sox -R -D "$work/$name.wav" "$work/cut.wav" \
    silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse gain -8 sinc 300-3400 compand 0.01,0.2 -60,-40,-30,-16,-10,-9,0,-6 0 norm -1 pad 0.05 0.1
  sox -R -D "$work/cut.wav" "${tail[@]}" -t ul -r 8000 -c 1 "$name.ulaw"
done <prompts.txt

# Music on hold: four chords of eight soft plucks, 9.6 s. What still sounds at the end is mixed into the beginning,
# so that the loop has no seam.
n=0 parts=()
for chord in "130.81 261.63 329.63 392.00 493.88 392.00 329.63 261.63" \
             "110.00 220.00 261.63 329.63 392.00 329.63 261.63 220.00" \
             "174.61 220.00 261.63 329.63 349.23 329.63 261.63 220.00" \
             "196.00 246.94 293.66 349.23 392.00 349.23 293.66 246.94"; do
  for hz in $chord; do
    at=$(awk "BEGIN{print $n*0.3}")
    sox -R -D -n -r 8000 -c 1 -b 16 "$work/note$n.wav" synth 1.8 pluck "$hz" fade t 0.005 1.8 1.2 gain -14 pad "$at"
    parts+=("$work/note$n.wav")
    n=$((n + 1))
  done
done
sox -R -D -m "${parts[@]}" "$work/long.wav" gain 24 lowpass 2600 reverb 30 50 60
sox -R -D "$work/long.wav" "$work/body.wav" trim 0 9.6
sox -R -D "$work/long.wav" "$work/rest.wav" trim 9.6
sox -R -D -m -v 0.5 "$work/body.wav" -v 0.5 "$work/rest.wav" -t ul -r 8000 -c 1 hold.ulaw norm -12
