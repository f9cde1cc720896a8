#!/usr/bin/env bash
# Ray inside one Slurm allocation, and one scan on it. Not run here on a real Slurm.
#
#   sbatch deploy/slurm/klieg.sh 'posts/*.parquet' -o case.klieg
#
# Everything after the script's name goes to `klieg scan`. Submit it from a folder all nodes see; a
# job that is requeued goes on from the shards kept beside the case.
#SBATCH --job-name=klieg
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem=128G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output=klieg-%j.log
set -euo pipefail

if (($# == 0)); then
  echo "usage: sbatch klieg.sh INPUT… [flags of klieg scan]" >&2
  exit 2
fi

# Ray runs whatever reaches its port, and a cluster has other users: a token of this job alone
folder="${SLURM_SUBMIT_DIR:-$PWD}"
token="$folder/.klieg-ray-$SLURM_JOB_ID"
(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$token")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token" RAY_USAGE_STATS_ENABLED=0
trap 'rm -f "$token"; kill $(jobs -p) 2>/dev/null || true' EXIT

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$((20000 + SLURM_JOB_ID % 20000))
address="${nodes[0]}:$port"
cores="${SLURM_CPUS_PER_TASK:-1}"

srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" \
  ray start --head --port="$port" --num-cpus="$cores" --include-dashboard=false --block &

for _ in $(seq 60); do
  if ray status --address="$address" >/dev/null 2>&1; then break; fi
  sleep 2
done

if ((${#nodes[@]} > 1)); then
  others="$(
    IFS=,
    echo "${nodes[*]:1}"
  )"
  srun --nodes=$((${#nodes[@]} - 1)) --ntasks=$((${#nodes[@]} - 1)) --nodelist="$others" \
    ray start --address="$address" --num-cpus="$cores" --block &
fi

# the number of shards, the same whenever the job is started again: what is kept fits
klieg scan "$@" --engine ray --ray-address "$address" --threads $((cores * ${#nodes[@]})) --force
