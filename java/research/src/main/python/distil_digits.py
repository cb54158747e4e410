#!/usr/bin/env python3
# SPDX-FileCopyrightText: the alphabar contributors
# SPDX-License-Identifier: Apache-2.0
"""Halves the digits model's steps once by progressive distillation (Salimans and Ho 2022, arXiv:2202.00512, algorithm 2).

What it does
    Teacher: denoiser.onnx, sampled by DDIM in 2 N steps on trailing timesteps. Student: the same network, with the
    teacher's weights but for its last layers, which begin at 0 since it predicts v instead of the noise. It is trained
    at the N levels it will be asked at, on real digits noised to them, to predict the v whose one DDIM step lands where
    two of the teacher's land (DistillationTarget in alphabar computes the same).
    The student is written as an ONNX file with the inputs of denoiser.onnx and the output v. It is not meant to be
    committed; `cost distillation --student FILE` judges it.

How long it takes
    About 7 minutes on 2 cores of an x86-64 server CPU with the defaults. No GPU.

What it needs
    What train_digits.py needs: on Debian 12, apt-get install python3-torch python3-sklearn, and /usr/bin/python3.
"""

import argparse
import copy
import json
import math
import os
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.normpath(os.path.join(HERE, "..", "..", "..", "..", "onnxruntime", "src", "main", "python")))
import train_digits as digits  # noqa: E402


def fields(message):
    """The fields of a protobuf message: pairs of number and value (bytes or int)."""
    def varint(i):
        result = shift = 0
        while True:
            byte = message[i]
            i += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result, i

    i = 0
    while i < len(message):
        key, i = varint(i)
        kind = key & 7
        if kind == 0:
            value, i = varint(i)
        elif kind == 2:
            size, i = varint(i)
            value, i = message[i:i + size], i + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, i = message[i:i + size], i + size
        else:
            raise ValueError(f"unknown protobuf wire type {kind}")
        yield key >> 3, value


def load_teacher(folder):
    """The denoiser with the weights in its ONNX file: graph (7), initializers (5) with dims, name and raw data (1, 8, 9)."""
    with open(os.path.join(folder, "denoiser.onnx"), "rb") as f:
        graph = next(v for n, v in fields(f.read()) if n == 7)
    weights = {}
    for tensor in (v for n, v in fields(graph) if n == 5):
        parts = list(fields(tensor))
        name = next(v for n, v in parts if n == 8).decode()
        dims = [v for n, v in parts if n == 1]
        raw = next(v for n, v in parts if n == 9)
        weights[name] = torch.from_numpy(np.frombuffer(raw, dtype="<f4").reshape(dims).copy())
    # Layers without bias are matrix products of their transposes, named in the order of the graph.
    products = sorted((n for n in weights if n.startswith("onnx::MatMul_")), key=lambda n: int(n.split("_")[1]))
    for name, product in zip(["cond", "blocks.0.ctx", "blocks.1.ctx", "blocks.2.ctx"], products):
        weights[name + ".weight"] = weights.pop(product).t().contiguous()
    model = digits.Denoiser()
    model.load_state_dict(weights)
    return model.eval()


def trailing(steps):
    """Trailing timesteps, rounded half to even, as alphabar's Spacing.trailing()."""
    return [int(np.rint((steps - i) * digits.TRAIN_STEPS / steps)) - 1 for i in range(steps)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="the student's ONNX file")
    parser.add_argument("--steps", type=int, default=8, help="N, the student's steps; the teacher makes twice as many")
    parser.add_argument("--iterations", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.995)
    parser.add_argument("--seed", type=int, default=20240701)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)

    teacher = load_teacher(digits.DEFAULT_OUT)
    with open(os.path.join(digits.DEFAULT_OUT, "digits.json"), encoding="utf-8") as f:
        table = torch.tensor(json.load(f)["embeddings"], dtype=torch.float32)
    student = copy.deepcopy(teacher).train()
    for layer in (student.out, student.gate):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    ema = copy.deepcopy(student)

    pixels, labels = digits.load_data()
    x, y = digits.to_signed(pixels), torch.from_numpy(labels)
    times = trailing(2 * args.steps)
    bar = digits.alpha_bar()
    # Levels of the teacher's grid, the clean one last.
    alpha = torch.tensor([math.sqrt(bar[t]) for t in times] + [1.0], dtype=torch.float64)
    sigma = torch.tensor([math.sqrt(1 - bar[t]) for t in times] + [0.0], dtype=torch.float64)
    when = torch.tensor([float(t) for t in times] + [0.0])

    def pick(values, i):
        return values[i].to(torch.float32).reshape(-1, 1, 1, 1)

    def teacher_step(z, i, condition):
        eps = teacher(z, when[i], condition)
        x0 = (z - pick(sigma, i) * eps) / pick(alpha, i)
        return pick(alpha, i + 1) * x0 + pick(sigma, i + 1) * eps

    opt = torch.optim.AdamW(student.parameters(), lr=args.lr, weight_decay=1e-2)
    start = time.time()
    running = 0.0
    for step in range(args.iterations):
        rate = min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / args.iterations))
        for group in opt.param_groups:
            group["lr"] = args.lr * rate
        index = torch.randint(0, len(x), (args.batch,), generator=gen)
        i = 2 * torch.randint(0, args.steps, (args.batch,), generator=gen)
        noise = torch.randn((args.batch, 1, 8, 8), generator=gen)
        drop = torch.rand(args.batch, generator=gen) < 0.15
        condition = table[torch.where(drop, torch.full_like(index, digits.NULL_CLASS), y[index])]
        z = pick(alpha, i) * x[index] + pick(sigma, i) * noise
        with torch.no_grad():
            landed = teacher_step(teacher_step(z, i, condition), i + 1, condition)
            ratio = sigma[i + 2] / sigma[i]
            below = (alpha[i + 2] - ratio * alpha[i]).to(torch.float32).reshape(-1, 1, 1, 1)
            clean = (landed - ratio.to(torch.float32).reshape(-1, 1, 1, 1) * z) / below
            target = pick(alpha, i) * (z - pick(alpha, i) * clean) / pick(sigma, i) - pick(sigma, i) * clean
        loss = F.mse_loss(student(z, when[i], condition), target)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        opt.step()
        with torch.no_grad():
            decay = min(args.ema, (1 + step) / (10 + step))
            torch._foreach_mul_(list(ema.parameters()), decay)
            torch._foreach_add_(list(ema.parameters()), list(student.parameters()), alpha=1 - decay)
        running += loss.item()
        if (step + 1) % 250 == 0:
            print(f"step {step + 1}/{args.iterations} loss {running / 250:.5f} {time.time() - start:.0f} s", flush=True)
            running = 0.0
    digits.export(args.out, ema.eval(), (x[:2], torch.tensor([10.0, 500.0]), table[:2]),
                  ["sample", "timestep", "condition"], ["v"])
    print(f"{args.steps} steps of the student for {2 * args.steps} of its teacher, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
