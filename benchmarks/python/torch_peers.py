#!/usr/bin/env python3
# SPDX-FileCopyrightText: the alphabar contributors
# SPDX-License-Identifier: Apache-2.0
"""Times what people run today, in Python: eager PyTorch, torch.compile, and diffusers' own scheduler.step.

First write the rows, with their inputs and the library's results:

    ./mvnw -q -ntp compile exec:exec -Dmain=io.github.alphabar.benchmarks.Main -Dargs="rows rows.json"
    python3 benchmarks/python/torch_peers.py rows.json --out torch.json              # CPU, one thread
    python3 benchmarks/python/torch_peers.py rows.json --device cuda --out torch.json

Every formula is compared with the library's result before it is timed; one that differs is refused, and the exit status is 1.
--check compares only, with NumPy where there is no PyTorch. Needs torch, and diffusers for its schedulers (left out without it).
"""
import argparse
import json
import math
import os
import platform
import statistics
import sys
import time


def history_span(levels, k):
    """The step in lambda that ended at the k-th level before this row's."""
    return levels[k]["lambda"] - levels[k + 1]["lambda"]


def step(row, x, output, history, noise, clamp):
    """One row as its paper states it: returns x' and what is stored. Works on NumPy arrays and PyTorch tensors."""
    at, to, levels = row["levels"][0], row["to"], row["levels"]
    eps = output
    if row["guidance"]:
        half = len(output) // 2
        uncond, cond = output[:half], output[half:]
        eps = uncond + row["guidance"] * (cond - uncond)
    if row["row"] == "plms":
        e = (55 * eps - 59 * history[0] + 37 * history[1] - 9 * history[2]) / 24
        bar, to_bar = at["alpha"] ** 2, to["alpha"] ** 2
        divisor = at["alpha"] * (at["alpha"] * to["sigma"] + at["sigma"] * to["alpha"])
        return to["alpha"] / at["alpha"] * x - (to_bar - bar) * e / divisor, eps
    x0 = (x - at["sigma"] * eps) / at["alpha"]
    if row["range"]:
        x0 = clamp(x0, -row["range"], row["range"])
    if row["row"].startswith("ddim"):
        return to["alpha"] * x0 + to["sigma"] * eps, None
    if row["row"] == "ddpm":
        variance = at["sigma"] ** 2
        kept = (at["alpha"] / to["alpha"]) ** 2
        left = to["sigma"] ** 2 / variance
        mean = to["alpha"] * (1 - kept) / variance * x0 + math.sqrt(kept) * left * x
        return mean + math.sqrt((1 - kept) * left) * noise(), None
    h = to["lambda"] - at["lambda"]
    if row["row"] == "dpmpp-2m-sde":
        gain = -to["alpha"] * math.expm1(-2 * h)
        d1 = h / history_span(levels, 0) * (x0 - history[0])
        mean = to["sigma"] / at["sigma"] * math.exp(-h) * x + gain * x0 + 0.5 * gain * d1
        return mean + to["sigma"] * math.sqrt(-math.expm1(-2 * h)) * noise(), x0
    gain = -to["alpha"] * math.expm1(-h)
    if row["row"] == "dpmpp-2m":
        d1 = h / history_span(levels, 0) * (x0 - history[0])
        return to["sigma"] / at["sigma"] * x + gain * x0 + 0.5 * gain * d1, x0
    if row["row"] == "dpmpp-3m":
        r0, r1 = history_span(levels, 0) / h, history_span(levels, 1) / h
        first = (x0 - history[0]) / r0
        second = (history[0] - history[1]) / r1
        d1 = first + r0 / (r0 + r1) * (first - second)
        d2 = 2 / (r0 + r1) * (first - second)
        e = math.expm1(-h)
        return (to["sigma"] / at["sigma"] * x + gain * x0 + to["alpha"] * (e / h + 1) * d1
                - to["alpha"] * ((e + h) / h**2 - 0.5) * d2), x0
    raise SystemExit(f"There is no formula for the row '{row['row']}'; use the rows.json of this version.")


def differs(want, got, tolerance):
    """The largest difference where it is more than the tolerance (a NaN is), else None."""
    worst = 0.0
    for a, b in zip(want, got, strict=True):
        difference = abs(a - b)
        if not difference <= tolerance:
            return difference
        worst = max(worst, difference)
    return None


def check(row, tensor, clamp, run=step):
    """Compares one row with the library's result; returns a sentence where they differ."""
    noise = tensor(row["noise"]) if row["noise"] else None
    out, stored = run(row, tensor(row["x"]), tensor(row["output"]), [tensor(v) for v in row["history"]],
                      lambda: noise, clamp)
    for name, want, got in (("x'", row["expected"], out), ("the stored value", row["expectedStore"], stored)):
        if want is not None:
            difference = differs(want, got.tolist(), row["tolerance"])
            if difference is not None:
                return (f"{row['row']}: {name} differs by {difference} where {row['tolerance']:.3g} was allowed; "
                        "it is not timed.")
    return None


def without_torch(rows):
    import numpy

    def tensor(values):
        return numpy.array(values, dtype=numpy.float32)
    return [p for row in rows if (p := check(row, tensor, numpy.clip))]


def median_time(call, synchronize, budget=1.0):
    """Seconds for one call: the median of batches within the budget, after a warm-up."""
    call()
    synchronize()
    start = time.perf_counter()
    call()
    synchronize()
    batch = max(1, int(0.02 / max(1e-9, time.perf_counter() - start)))
    times = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < budget or len(times) < 6:
        start = time.perf_counter()
        for _ in range(batch):
            call()
        synchronize()
        times.append((time.perf_counter() - start) / batch)
    return statistics.median(times[len(times) // 3:])


def time_formulas(torch, rows, sizes, device, compile_too, synchronize):
    results, problems = [], []

    def tensor(values):
        return torch.tensor(values, dtype=torch.float32, device=device)

    runs = {"torch eager": step}
    if compile_too:
        runs["torch.compile"] = torch.compile(step, dynamic=False)
    for name, run in runs.items():
        for row in rows:
            problem = check(row, tensor, torch.clamp, run)
            if problem:
                problems.append(f"{name}, {problem}")
                continue
            for n in sizes:
                x = torch.randn(n, device=device)
                output = torch.randn(2 * n if row["guidance"] else n, device=device)
                history = [torch.randn(n, device=device) for _ in row["history"]]

                def noise():
                    return torch.randn(n, device=device)

                seconds = median_time(lambda: run(row, x, output, history, noise, torch.clamp), synchronize)
                results.append({"peer": name, "row": row["row"], "elements": n, "seconds": seconds})
                print(f"{name:14} {row['row']:14} {n:10} {seconds * 1e6:12.2f} us", flush=True)
    return results, problems


def time_schedulers(torch, sizes, device, synchronize):
    """diffusers' own step in the middle of 20, on Stable Diffusion's schedule, as a pipeline calls it."""
    try:
        import diffusers
    except ImportError:
        print("diffusers is not installed: its schedulers are left out.")
        return []
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    makers = {
        "ddim": lambda: diffusers.DDIMScheduler(**betas, clip_sample=False, timestep_spacing="trailing"),
        "ddpm": lambda: diffusers.DDPMScheduler(**betas, clip_sample=False, timestep_spacing="trailing"),
        "dpmpp-2m": lambda: diffusers.DPMSolverMultistepScheduler(**betas, solver_order=2, timestep_spacing="trailing"),
    }
    results = []
    for name, maker in makers.items():
        for n in sizes:
            scheduler = maker()
            scheduler.set_timesteps(20, device=device)
            x = torch.randn(1, 4, n // 4, device=device)
            output = torch.randn(1, 4, n // 4, device=device)
            seconds = []
            for _ in range(12):
                # Multistep schedulers count their steps: a whole trajectory, of which the middle is timed.
                if hasattr(scheduler, "_step_index"):
                    scheduler.set_timesteps(20, device=device)
                for k, t in enumerate(scheduler.timesteps):
                    synchronize()
                    start = time.perf_counter()
                    scheduler.step(output, t, x, return_dict=False)
                    synchronize()
                    if 5 <= k < 15:
                        seconds.append(time.perf_counter() - start)
            median = statistics.median(seconds[len(seconds) // 3:])
            results.append({"peer": f"diffusers {diffusers.__version__}", "row": name, "elements": n, "seconds": median})
            print(f"{'diffusers':14} {name:14} {n:10} {median * 1e6:12.2f} us", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", help="what 'benchmarks rows' wrote")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; default: cpu")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch on the CPU; default: 1")
    parser.add_argument("--sizes", default="16384,1048576,16777216", help="elements, by commas")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--out", help="where the figures go, as JSON")
    options = parser.parse_args()
    with open(options.rows, encoding="utf-8") as file:
        rows = json.load(file)
    try:
        import torch
    except ImportError:
        if not options.check:
            sys.exit("PyTorch is not installed: install it (pip install torch diffusers), or compare only with --check.")
        torch = None
    if options.check:
        problems = without_torch(rows) if torch is None else [
            p for row in rows
            if (p := check(row, lambda v: torch.tensor(v, dtype=torch.float32), torch.clamp))]
        print("\n".join(problems) or f"{len(rows)} rows agree.")
        sys.exit(1 if problems else 0)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device; use --device cpu.")
    torch.set_num_threads(options.threads)
    synchronize = torch.cuda.synchronize if options.device.startswith("cuda") else lambda: None
    sizes = [int(s) for s in options.sizes.split(",")]
    with torch.no_grad():
        results, problems = time_formulas(torch, rows, sizes, options.device, not options.no_compile, synchronize)
        results += time_schedulers(torch, sizes, options.device, synchronize)
    where = torch.cuda.get_device_name() if options.device.startswith("cuda") else platform.processor()
    report = {"device": options.device, "where": where, "torch": torch.__version__, "python": platform.python_version(),
              "threads": options.threads, "command": " ".join(sys.argv), "results": results, "refused": problems}
    if options.out:
        temporary = f"{options.out}.{os.getpid()}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
        os.replace(temporary, options.out)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
