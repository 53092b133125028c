#!/bin/sh
# plain build
# Every command in the docs runs (training cut to two steps), and every link leads somewhere.
. tests/support/cli.sh
root=$PWD

for page in README.md CONTRIBUTING.md docs/*.md docs/*/*.md; do
    [ -e "$page" ] || continue
    grep -oE '\]\([^)#]+' "$page" | sed 's/](//' | grep -v '^http' > "$dir/links" || true
    while read -r link; do
        [ -e "$(dirname "$page")/$link" ] || fail "$page: no such file: $link"
    done < "$dir/links"
done

# what the commands read
cd "$dir"
ln -s "$root/data" "$root/tests" .
printf '%s\n' '0,0' '0.5,0.1' '0.2,0.7' '0.9,0.4' '0.3,0.3' '0.1,0.8' > points.csv
few_images mnist 60 28
mkdir cifar # 10 images with CIFAR-10's names, one of each class
for i in 0 1 2 3 4 5 6 7 8 9; do
    printf "\\$(printf %o $i)"
    tail -c +$((17 + 3072 * i)) data/digits/images.idx3-ubyte | head -c 3072
done > cifar/data_batch_1.bin
cp cifar/data_batch_1.bin cifar/test_batch.bin
mkdir -p few/digits # in the place of ./data, with 360 digits: a run's report trains a classifier on them
ln -s "$root"/data/[!d]* few
idx_pair few/digits/images.idx3-ubyte few/digits/labels.idx1-ubyte 360 8
rm data
mv few data
short="--set train.total_steps=2 --set train.eval_samples=60"
small="$short --set train.forward_dict.gen_per_label=32 --set train.pos_per_sample=6"
# shellcheck disable=SC2086
"$DRIFT" toy checkerboard $small --out demo > log 2>&1 || fail "$(cat log)"
"$DRIFT" sample demo/model.safetensors --n 8 --out x.npy
"$DRIFT" sample demo/model.safetensors --n 9 --seed 1 --out p.npy
"$DRIFT" sample demo/model.safetensors --n 9 --out points.npy

count=0
for page in $(cd "$root" && ls README.md docs/*.md docs/*/*.md); do
    grep -E '^ +(build/)?drift [a-z]' "$root/$page" | sed 's/^ *//; s/ #.*//; s/^build\///; s/^drift //' > commands || true
    while read -r line; do
        count=$((count + 1))
        case $line in
        "train "*-mae*) line="$line $short" ;;
        "train "*-feature*) line="$line $small --set train.train_batch_size=1" ;;
        toy* | train*) line="$line $small" ;;
        ablate*) line="$line --seeds 0 $small --set model.depth=1 --set model.hidden_size=16 --set train.train_batch_size=2" ;;
        bench*) continue ;;
        esac
        (eval "\"\$DRIFT\" $line") > log 2>&1 < /dev/null || fail "$page: drift $line: $(cat log)"
    done < commands
done
[ "$count" -ge 8 ] || fail "only $count commands found"
echo "REPORT $count commands of the docs run"
