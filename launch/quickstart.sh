#!/usr/bin/env bash
# From a fresh clone to a result table: a small DeiT learns from a convnet, on real images, under `deit-coord run`.
set -euo pipefail
readonly program=quickstart
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export LC_ALL=C.UTF-8  # awk and printf write and read numbers with points

readonly usage='usage: launch/quickstart.sh [--runs=DIR]
  Installs what is missing, builds, trains three small jobs on Fashion-MNIST and prints what came out.
  Ctrl-C stops it and loses nothing. Started again it goes on where it was; what is done is not done again.
  --runs=DIR  keep the run folders in DIR (default runs/quickstart)'

readonly jobs=(teacher student student_alone)
readonly bin=build/release/bin

interrupted() {
  printf '\n%s: stopped: what was trained is saved\nhint: start it again and it goes on: %s\n' "$program" "$again" >&2
  exit 130
}

# number FILE KEY: the value of a key of a JSON file, its first one.
number() {
  sed -n "/\"$2\": /{s/.*\"$2\": \"\{0,1\}\([^\",}]*\).*/\1/p;q}" "$1"
}

# job_seconds NAME: how long its attempts ran.
job_seconds() {
  awk -F ': ' '/"start_time"/ {start = $2} /"end_time"/ {total += $2 - start} END {printf "%.0f", total}' "$runs/$1/summary.json"
}

# newest_weights NAME: its last checkpoint.
newest_weights() {
  printf '%s/%s/checkpoints/step_%08d' "$runs" "$1" "$(number "$runs/$1/summary.json" steps)"
}

# Whether a job is trained: to its end, as its job file stands now, and after the job that came before it.
trained() {
  local summary=$runs/$1/summary.json previous=${2:+$runs/$2/summary.json} differences
  [ -f "$summary" ] && [ "$(number "$summary" state)" = SUCCEEDED ] || return
  [ -z "$previous" ] || [ "$summary" -nt "$previous" ] || return
  differences=$("$bin/deit-coord" config diff --json "$runs/$1/config.textproto" "configs/quickstart/$1.textproto") || [ $? -eq 1 ] || return
  [[ $differences != *'"effect": "RESULT"'* ]]
}

# train NAME PREVIOUS [path=value ...]: trains a job with two workers, from where it was; nothing where it is trained.
train() {
  local name=$1 folder=$runs/$1 code=0
  if trained "$name" "$2"; then
    say "$name: trained already, in $folder"
    return
  fi
  "$bin/deit-coord" run --config="configs/quickstart/$name.textproto" --np=2 --run_dir="$folder" "${@:3}" || code=$?
  [ "$code" -eq 0 ] || fail "training: $folder: deit-coord run ended with exit $code (its message stands above)" \
    "mend what it names and start again: $again; or remove $folder to start that job fresh" "$code"
}

# evaluate NAME: its accuracy, once, into evaluation.json.
evaluate() {
  local folder=$runs/$1
  [ "$folder/evaluation.json" -nt "$folder/summary.json" ] && return
  "$bin/deit-worker" --task=evaluate --json --config="$folder/config.textproto" --run_dir="$folder" >"$folder/evaluation.json.tmp" ||
    fail "accuracy: $folder: deit-worker --task=evaluate ended with exit $? (its message stands above)" "start again: $again"
  mv "$folder/evaluation.json.tmp" "$folder/evaluation.json"
}

# row TITLE NAME KEY: a line of the table; its right half belongs to a job's first line.
row() {
  local summary=$runs/$2/summary.json
  printf '  %-34s %6.2f %%' "$1" "$(number "$runs/$2/evaluation.json" "$3")"
  [ "$3" != acc1 ] || printf '  %4d s  %6.0f  %s' "$(job_seconds "$2")" "$(number "$summary" images_per_second)" "$(number "$summary" weights_digest)"
  printf '\n'
}

print_table() {
  local images=60000 labelled gain
  labelled=$(sed -n 's/^  labelled: \([0-9]*\).*/\1/p' "$runs/student/config.textproto")
  gain=$(awk -v a="$(number "$runs/student/evaluation.json" acc1)" -v b="$(number "$runs/student_alone/evaluation.json" acc1)" \
    'BEGIN {printf "%+.1f", a - b}')
  printf '\nFashion-MNIST: %d images to learn from, %d of them with a label; accuracy on 10000 others\n\n' "$images" "$labelled"
  printf '  %-34s %8s  %6s  %6s  %s\n' '' accuracy time img/s 'weights digest'
  row 'teacher: a convnet' teacher acc1
  row 'student, taught: both heads' student acc1
  row '    class head' student acc1_head
  row '    distillation head' student acc1_head_dist
  row 'student, alone' student_alone acc1
  printf '\nBoth students took the same steps with the same labels; what its teacher says of the other %d images is worth %s points to the taught one.\n' \
    $((images - labelled)) "$gain"
}

print_next() {
  local folder teacher
  folder=$(printf %q "$runs/again")
  teacher=$(printf %q "$(newest_weights teacher)")
  local run="$bin/deit-coord run --config=configs/quickstart/student.textproto --np=2 --run_dir=$folder"
  printf '\nTry next, in %s:\n' "$PWD"
  printf '  %s\n' "$bin/deit-coord status" "$run teacher.weights=$teacher" \
    "kill -9 \$($bin/deit-coord status $folder --json | grep '\"pid\"' | tail -n 1 | tr -dc 0-9)"
  printf 'The first shows your jobs. The second trains the student again; the third, typed in another terminal meanwhile, kills one of its\n'
  printf 'workers: the run comes back by itself and ends with the very weights above, %s.\n' "$(number "$runs/student/summary.json" weights_digest)"
}

runs=runs/quickstart
again=$0
for argument in "$@"; do
  case "$argument" in
    --runs=?*) runs=$(realpath -m -- "${argument#--runs=}"); again+=" $(printf %q "$argument")" ;;
    -h | --help) printf '%s\n' "$usage"; exit 0 ;;
    *) fail "argument: $argument: not known" 'launch/quickstart.sh --help lists them' 2 ;;
  esac
done
trap interrupted INT

cd "$(dirname "${BASH_SOURCE[0]}")/.."
say '1 of 4: set-up'
./launch/setup.sh
say '2 of 4: build (the first time a few minutes)'
cmake --preset release --log-level=WARNING
cmake --build --preset release -j "$(build_jobs)" --target deit-worker deit-coord
say "3 of 4: training ${#jobs[@]} jobs with 2 workers each: a teacher, the student that it teaches, and the same student alone"
train teacher ''
train student teacher teacher.weights="$(newest_weights teacher)"
train student_alone ''
say '4 of 4: accuracy'
for job in "${jobs[@]}"; do evaluate "$job"; done
print_table
print_next
