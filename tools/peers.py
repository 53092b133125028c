#!/usr/bin/env python3
"""Times other programs and libdrift in turn, task by task, and prints how they compare.

    tools/peers.py PEERS.py [--python PYTHON] [--tasks WORD,...] [--threads 1,2] [--rounds 3] [--record FILE]

PEERS.py, run by PYTHON, times one task in one framework and prints a line of JSON; without a framework of that name, or
without the task, it fails, and the table has a gap:

    PEERS.py --task NAME --framework NAME --threads N --seconds S --json      {"min_s": 0.0123, "flops": 1e9, ...}

A round runs what --frameworks lists, libdrift (`drift bench`, `drift sample`) among them, in turn and each as a process of
its own, so that all see the same machine.
A figure is the median over rounds of a process's fastest call; +- is half the range over rounds.
With --record every figure is appended to FILE at once, and the table is of all that FILE holds: a long comparison can be
made in pieces. --wrap COMMAND goes before every process, such as "nice -n -5".
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS = "libdrift"
FRAMEWORKS = (OURS, "torch", "torch-compile", "jax")
RUNS = 20  # processes from start to exit

GEMMS = """4096x768x768 1088x2304x768 1088x768x768 1088x2048x768 1088x768x2048 1088x768x2304_nt 768x2304x1088_tn
    2176x576x192 2176x192x512 2048x256x256 2048x256x32 2048x2x256 256x256x2048_tn 64x144x256_b64_nt 64x256x144_b64
    64x224x4096_b4_nt 64x4096x224_b4 272x272x64_b48_nt 272x64x272_b48 16384x64x576 256x512x4608""".split()

# The peers' name of a task: the benchmark of drift, the word that chooses the figure, where its seconds are in the JSON.
TASKS = {
    "toy_field": ("field", "joint, 2D", lambda j, n: j[0]["seconds"]),
    "toy_step": ("toy", "", lambda j, n: next(r for r in j["rows"] if r["threads"] == n)["step_seconds"]),
    "toy_2000": None,
    "startup": None,
    "drift_feature": ("field", "normalized, feature", lambda j, n: j[0]["seconds"]),
    "drift_feature_wide": ("field", "normalized, wide", lambda j, n: j[0]["seconds"]),
    "dit_b2_forward": ("dit", "DiT-B/2 forward", lambda j, n: j["rows"][0]["seconds"]),
    "dit_small_train": ("dit", "small DiT", lambda j, n: j["rows"][0]["seconds"]),
    "mae_forward": ("encoder", "MAE forward", lambda j, n: j["rows"][0]["seconds"]),
    "mae_input_grad": ("encoder", "MAE forward, backward", lambda j, n: j["rows"][-1]["seconds"]),
    "softmax": ("rows", "softmax", lambda j, n: j["rows"][0]["seconds"]),
    "rmsnorm": ("rows", "RMSNorm", lambda j, n: j["rows"][0]["seconds"]),
    "silu_mul": ("rows", "SwiGLU", lambda j, n: j["rows"][0]["seconds"]),
    "attention": ("attention", "DiT-B", lambda j, n: j["shapes"][0]["forward_seconds"]),
    "conv3x3": ("encoder", "3x3, stage 1", lambda j, n: j["conv"][0]["seconds"]),
    "groupnorm": ("encoder", "GroupNorm", lambda j, n: j["rows"][0]["seconds"]),
    **{"gemm_" + name: ("gemm", name, lambda j, n: j["shapes"][0]["builtin_seconds"]) for name in GEMMS},
}


def peak_of(bench):
    """FLOP/s that drift measured beside the figure, wherever the benchmark puts it."""
    for place in [bench] if isinstance(bench, dict) else bench:
        for row in [place, *reversed(place.get("rows", []))]:
            if "peak_flops" in row:
                return row["peak_flops"]
    return None


def run_json(command, threads):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    if result.returncode:
        said = (result.stderr.strip() or "it says nothing").splitlines()[-1]
        print(f"{shlex.join(map(str, command))}: {said}", file=sys.stderr)
        return None
    return json.loads(result.stdout)


def toy_run(args, threads):
    """2,000 steps of the 2D demo: seconds of the whole process, its evaluation and report included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*args.wrap, args.drift, "toy", "checkerboard", "--steps", "2000", "--out", folder]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
        return dict(min_s=time.perf_counter() - start)


def start_to_exit(args, threads):
    """1,000 samples of the 2D demo's generator: seconds of whole processes, and the most memory that one held."""
    with tempfile.TemporaryDirectory() as folder:
        model, out = f"{folder}/model.safetensors", f"{folder}/x.npy"
        settings = ["--steps", "1", "--set", "train.eval_samples=16"]
        subprocess.run([args.drift, "toy", "checkerboard", *settings, "--out", folder], check=True, capture_output=True)
        command = [sys.executable, __file__, "--child", *map(str, (args.drift, "sample", model, "--n", 1000, "--out", out))]
        return run_json([*args.wrap, *command], threads)


def child(command):
    """Runs the command RUNS times from this small process; memory includes what this one holds when it forks."""
    best, peak = float("inf"), 0
    for _ in range(RUNS):
        start = time.perf_counter()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"{command[0]}: status {os.waitstatus_to_exitcode(status)}")
        best, peak = min(best, time.perf_counter() - start), max(peak, usage.ru_maxrss)
    print(json.dumps(dict(min_s=best, peak_rss_mib=peak / 1024)))


def ours(args, task, threads):
    """Figures of libdrift, and of BLIS where it is timed in the same process."""
    if TASKS[task] is None:
        row = (toy_run if task == "toy_2000" else start_to_exit)(args, threads)
        return [dict(who=OURS, **row)] if row else []
    bench, word, seconds = TASKS[task]
    command = [args.drift, "bench", bench, "--json", "--threads", threads, "--seconds", args.seconds]
    result = run_json([*args.wrap, *map(str, command), *(["--only", word] if word else [])], threads)
    if result is None:
        sys.exit(f"{args.drift} failed")
    rows = [dict(who=OURS, min_s=seconds(result, threads), peak_flops=peak_of(result))]
    if bench == "gemm":
        rows.append(dict(who="blis", min_s=result["shapes"][0]["blis_seconds"]))
    return rows


def peer(args, task, threads, framework):
    command = [args.python, args.peers, "--task", task, "--framework", framework, "--threads", threads, "--seconds", args.seconds, "--json"]
    row = run_json([*args.wrap, *map(str, command)], threads)
    return [dict(who=framework, **{key: row[key] for key in ("min_s", "flops", "peak_rss_mib") if key in row})] if row else []


def one_round(args, task, threads):
    for who in args.frameworks.split(","):
        for row in ours(args, task, threads) if who == OURS else peer(args, task, threads, who):
            yield dict(task=task, threads=threads, when=time.strftime("%Y-%m-%d %H:%M:%S"), **row)


def summary(rows):
    """{(task, threads): {who: (median, half range, rows)}}, in the order of the first row of each."""
    found = {}
    for row in rows:
        found.setdefault((row["task"], row["threads"]), {}).setdefault(row["who"], []).append(row)
    return {
        key: {who: (statistics.median(r["min_s"] for r in list_), (max(r["min_s"] for r in list_) - min(r["min_s"] for r in list_)) / 2, list_)
              for who, list_ in by_who.items()}
        for key, by_who in found.items()
    }


def of_peak(by_who):
    flops = [r["flops"] for _, _, rows in by_who.values() for r in rows if r.get("flops")]
    rates = [flops[0] / r["min_s"] / r["peak_flops"] for r in by_who[OURS][2] if r.get("peak_flops")] if flops else []
    return statistics.median(rates) if rates else None


def table(rows):
    """Markdown: a row for each task and number of threads."""
    found = {key: by_who for key, by_who in summary(rows).items() if OURS in by_who}
    others = list(dict.fromkeys(who for by_who in found.values() for who in by_who if who != OURS))
    print(f"| task | threads | {OURS} ms | " + " | ".join(others) + " | best / ours | of peak |")
    print("|---|---|---|" + "---|" * len(others) + "---|---|")
    for (task, threads), by_who in found.items():
        cells = [f"{1e3 * by_who[who][0]:.4g}" if who in by_who else "" for who in others]
        mine, spread, _ = by_who[OURS]
        best = min((seconds for who, (seconds, _, _) in by_who.items() if who != OURS), default=None)
        ratio, part = f"{best / mine:.2f}" if best else "", of_peak(by_who)
        print(f"| {task} | {threads} | {1e3 * mine:.4g} ± {1e3 * spread:.2g} | " + " | ".join(cells) + f" | {ratio} | {f'{part:.2f}' if part else ''} |")
    for (task, threads), by_who in found.items():
        memory = {who: max(r["peak_rss_mib"] for r in rows_) for who, (_, _, rows_) in by_who.items() if "peak_rss_mib" in rows_[0]}
        if memory:
            print(f"\n{task}, {threads} threads, MiB: " + ", ".join(f"{who} {mib:.1f}" for who, mib in memory.items()))


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="?", help="the peers' program; without it: the table of --record alone")
    parser.add_argument("--python", default=sys.executable, help="what runs it")
    parser.add_argument("--drift", default=str(Path(__file__).parent.parent / "build" / "drift"))
    parser.add_argument("--tasks", default="", help="those with one of these words in their name (default: all)")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS))
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    parser.add_argument("--record", help="append figures to this file, and print the table of all of it")
    parser.add_argument("--wrap", type=shlex.split, default=[])
    args = parser.parse_args()
    tasks = [task for task in TASKS if any(word in task for word in args.tasks.split(","))]
    if not tasks:
        parser.error(f"--tasks {args.tasks}: no such task; there are {', '.join(TASKS)}")
    if not args.peers and not args.record:
        parser.error("PEERS.py or --record is needed")
    rows = [json.loads(line) for line in open(args.record)] if args.record and os.path.exists(args.record) else []
    for _ in range(args.rounds if args.peers else 0):
        for task in tasks:
            for threads in map(int, args.threads.split(",")):
                for row in one_round(args, task, threads):
                    rows.append(row)
                    if args.record:
                        with open(args.record, "a") as file:
                            file.write(json.dumps(row) + "\n")
    table(rows)


if __name__ == "__main__":
    main()
