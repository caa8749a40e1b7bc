#!/usr/bin/env bash
# Pretraining on two machines with four GPUs each: sbatch examples/pretraining/slurm.sh
# One task a machine; TensorFlow's worker takes all its GPUs. Two minutes before the time is up
# Slurm sends SIGTERM: the workers stop after the same step, the first one saves, and the job puts
# itself in the queue again.
#SBATCH --job-name=bert-pretraining
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -uo pipefail

# The worker's number is known only inside srun.
worker() {
    local hosts index="$SLURM_NODEID"
    hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&:2222"/' | paste -sd, -)
    export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $index}}"
    exec keras-bert-zoo pretrain bert-base --shards data/shards --output runs/bert-base "$@"
}
export -f worker

again=()
if [ -d runs/bert-base/checkpoints ]; then again=(--resume); fi
srun bash -c 'worker "$@"' worker "${again[@]}"
# 130: stopped by a signal, and saved.
if [ $? -eq 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
