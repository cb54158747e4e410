#!/usr/bin/env python3
"""Trains the two small digit networks that alphabar ships, and exports them.

What it does
    1. Writes optdigits.csv: the 1,797 handwritten 8x8 digits of the UCI
       "Optical Recognition of Handwritten Digits" set, as shipped by scikit-learn.
    2. Trains a classifier on 1,437 of them, reports its accuracy on the 360 held
       out, retrains it on all of them and exports classifier.onnx.
    3. Trains a class-conditional epsilon-prediction diffusion model (a residual
       MLP, the class given as an embedding vector, the class dropped at random so
       that classifier-free guidance works) on all of them and exports
       denoiser.onnx and digits.json (schedule and embedding table).
    It also leaves torch checkpoints and report.json in the checkpoint folder;
    judge_digits.py reads the checkpoints. They are not meant to be committed.

How long it takes
    About 13 minutes on 2 cores of an x86-64 server CPU with the defaults. No GPU.

What it needs
    Python 3, torch, scikit-learn and numpy; tried with torch 1.13, whose ONNX export
    needs nothing else (later ones may ask for more). On Debian 12:
        apt-get install python3-torch python3-sklearn
    and run it with /usr/bin/python3.

Repeatability
    Every random number comes from --seed and torch's deterministic algorithms are
    on, so the same torch build, CPU type and --threads give the same files. Another
    torch build, CPU type or thread count adds floating point numbers in another
    order and gives weights that differ, and figures that differ slightly.
"""

import argparse
import copy
import json
import math
import os
import platform
import tempfile
import time

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

TRAIN_STEPS = 1000
BETA_START = 1e-4
BETA_END = 0.02
CLASSES = 10
NULL_CLASS = 10
EMBEDDING = 32
FEATURES = 64
PIXELS = 64

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_OUT = os.path.normpath(
    os.path.join(HERE, "..", "resources", "io", "github", "alphabar", "onnxruntime", "digits"))
DEFAULT_CHECKPOINTS = os.path.join(tempfile.gettempdir(), "alphabar-digits-checkpoints")

ATTRIBUTION = [
    "Optical Recognition of Handwritten Digits (optdigits), the 1,797 digits of its test part.",
    "Authors: E. Alpaydin, C. Kaynak (1998). UCI Machine Learning Repository.",
    "DOI: https://doi.org/10.24432/C50P49",
    "Licence: Creative Commons Attribution 4.0 International (CC BY 4.0),",
    "https://creativecommons.org/licenses/by/4.0/",
    "Taken from scikit-learn (sklearn.datasets.load_digits); values unchanged, order unchanged.",
    "Each line: 64 pixels, 0 (paper) to 16 (ink), an 8x8 image row by row, then the digit 0..9.",
]


# ---------------------------------------------------------------------------------------------
# Data and schedule
# ---------------------------------------------------------------------------------------------

def load_data():
    """Pixels as int64 [1797, 64] in 0..16, and labels as int64 [1797]."""
    digits = load_digits()
    pixels = digits.data.astype(np.int64)
    if not np.array_equal(pixels, digits.data) or pixels.min() < 0 or pixels.max() > 16:
        raise ValueError("the digits are not whole numbers in 0..16")
    return pixels, digits.target.astype(np.int64)


def to_signed(pixels):
    """0..16 to [-1, 1], shaped [N, 1, 8, 8]."""
    return torch.from_numpy((pixels / 8.0 - 1.0).astype(np.float32)).reshape(-1, 1, 8, 8)


def alpha_bar():
    """The cumulative products of 1 - beta, accumulated in double, as float64 [1000]."""
    return np.cumprod(1.0 - np.linspace(BETA_START, BETA_END, TRAIN_STEPS, dtype=np.float64))


# ---------------------------------------------------------------------------------------------
# Networks
# ---------------------------------------------------------------------------------------------

class Block(nn.Module):
    """h + W2 silu(W1 norm(h) + Wc context)."""

    def __init__(self, width, hidden, context):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.lin1 = nn.Linear(width, hidden)
        self.ctx = nn.Linear(context, hidden, bias=False)
        self.lin2 = nn.Linear(hidden, width)
        nn.init.zeros_(self.lin2.weight)
        nn.init.zeros_(self.lin2.bias)

    def forward(self, h, context):
        return h + self.lin2(F.silu(self.lin1(self.norm(h)) + self.ctx(context)))


class Denoiser(nn.Module):
    """Predicts the noise in an 8x8 image from (sample, timestep, condition vector)."""

    def __init__(self, width=384, hidden=320, blocks=3, context=128, frequencies=32):
        super().__init__()
        # Geometric from 1 down to 1/1000 radian per training step.
        freqs = TRAIN_STEPS ** -np.linspace(0.0, 1.0, frequencies)
        self.register_buffer("freqs", torch.from_numpy(freqs.astype(np.float32)).reshape(1, -1))
        self.time = nn.Linear(2 * frequencies, context)
        self.cond = nn.Linear(EMBEDDING, context, bias=False)
        self.mix = nn.Linear(context, context)
        self.inp = nn.Linear(PIXELS, width)
        self.blocks = nn.ModuleList([Block(width, hidden, context) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, PIXELS)
        self.gate = nn.Linear(context, PIXELS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, sample, timestep, condition):
        x = sample.reshape(-1, PIXELS)
        angle = timestep.reshape(-1, 1) * self.freqs
        context = self.time(torch.cat([torch.sin(angle), torch.cos(angle)], dim=1))
        context = F.silu(self.mix(F.silu(context + self.cond(condition))))
        h = self.inp(x)
        for block in self.blocks:
            h = block(h, context)
        eps = self.out(self.norm(h)) + self.gate(context) * x
        return eps.reshape(-1, 1, 8, 8)


class Classifier(nn.Module):
    """Ten logits and a 64-number feature vector (the layer before the logits)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, padding=1, stride=2)
        self.fc = nn.Linear(48 * 16, FEATURES)
        self.head = nn.Linear(FEATURES, CLASSES)

    def forward(self, sample):
        h = F.silu(self.conv1(sample))
        h = F.silu(self.conv2(h))
        features = F.silu(self.fc(h.reshape(-1, 48 * 16)))
        return self.head(features), features


class Conditioned(nn.Module):
    """The denoiser and its embedding table, as trained together."""

    def __init__(self):
        super().__init__()
        self.net = Denoiser()
        self.table = nn.Embedding(CLASSES + 1, EMBEDDING)

    def forward(self, sample, timestep, label):
        return self.net(sample, timestep, self.table(label))


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# ---------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------

def augment(x, gen):
    """Shifts half of the images by up to one pixel each way, and adds noise to all of them."""
    n = x.shape[0]
    padded = F.pad(x, (1, 1, 1, 1), value=-1.0)
    shift = torch.randint(0, 3, (n, 2), generator=gen)
    still = torch.rand(n, 1, generator=gen) < 0.5
    shift = torch.where(still, torch.ones_like(shift), shift)
    rows = (shift[:, :1] + torch.arange(8)).reshape(n, 8, 1)
    cols = (shift[:, 1:] + torch.arange(8)).reshape(n, 1, 8)
    x = padded[torch.arange(n).reshape(n, 1, 1), 0, rows, cols].reshape(n, 1, 8, 8)
    sigma = 0.3 * torch.rand(n, 1, 1, 1, generator=gen)
    return x + sigma * torch.randn(x.shape, generator=gen)


def train_classifier(x, y, epochs, seed, what):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    model = Classifier()
    batch = 64
    steps = epochs * math.ceil(len(x) / batch)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x), generator=gen).split(batch):
            loss = F.cross_entropy(model(augment(x[idx], gen))[0], y[idx], label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        if (epoch + 1) % 10 == 0:
            print(f"classifier ({what}) epoch {epoch + 1}/{epochs} loss {total / len(x):.4f}",
                  flush=True)
    return model.eval()


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x)[0].argmax(1) == y).double().mean().item()


def noised(x, t, abar, eps):
    a = abar[t].reshape(-1, 1, 1, 1)
    return a.sqrt() * x + (1 - a).sqrt() * eps


def denoiser_loss(model, x, y, abar, seed, draws=32):
    """Mean squared error over every digit, `draws` draws of (t, noise) each, fixed by the seed."""
    gen = torch.Generator().manual_seed(seed)
    total = 0.0
    with torch.no_grad():
        for _ in range(draws):
            t = torch.randint(0, TRAIN_STEPS, (len(x),), generator=gen)
            eps = torch.randn(x.shape, generator=gen)
            total += F.mse_loss(model(noised(x, t, abar, eps), t.float(), y), eps).item()
    return total / draws


def train_denoiser(x, y, args):
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed + 1)
    abar = torch.from_numpy(alpha_bar().astype(np.float32))
    model = Conditioned()
    ema = copy.deepcopy(model)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    warm = 200

    def rate(step):
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, args.iterations - warm)))

    sched = torch.optim.lr_scheduler.LambdaLR(opt, rate)
    print(f"denoiser: {parameters(model.net)} parameters and a table of {parameters(model.table)}",
          flush=True)
    start = time.time()
    running = 0.0
    for step in range(args.iterations):
        idx = torch.randint(0, len(x), (args.batch,), generator=gen)
        t = torch.randint(0, TRAIN_STEPS, (args.batch,), generator=gen)
        eps = torch.randn((args.batch, 1, 8, 8), generator=gen)
        drop = torch.rand(args.batch, generator=gen) < args.drop
        label = torch.where(drop, torch.full_like(idx, NULL_CLASS), y[idx])
        loss = F.mse_loss(model(noised(x[idx], t, abar, eps), t.float(), label), eps)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        with torch.no_grad():
            decay = min(args.ema, (1 + step) / (10 + step))
            torch._foreach_mul_(list(ema.parameters()), decay)
            torch._foreach_add_(list(ema.parameters()), list(model.parameters()), alpha=1 - decay)
        running += loss.item()
        if (step + 1) % 500 == 0:
            print(f"denoiser step {step + 1}/{args.iterations} loss {running / 500:.5f} "
                  f"lr {sched.get_last_lr()[0]:.2e} {time.time() - start:.0f} s", flush=True)
            running = 0.0
    return ema.eval(), time.time() - start


# ---------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------

def replace(path, write):
    """Writes to a temporary name beside `path`, then moves it into place."""
    tmp = path + ".tmp"
    try:
        write(tmp)
        os.replace(tmp, path)
    finally:
        if os.path.exists(tmp):
            os.remove(tmp)


def write_text(path, text):
    def write(tmp):
        with open(tmp, "w", encoding="utf-8", newline="\n") as f:
            f.write(text)
    replace(path, write)


def save_csv(path, pixels, labels):
    lines = ["# " + line for line in ATTRIBUTION]
    lines += [",".join(str(v) for v in (*row, label)) for row, label in zip(pixels, labels)]
    write_text(path, "\n".join(lines) + "\n")


def save_json(path, table):
    rows = []
    for row in table.detach().numpy().astype(np.float32):
        # str() of a numpy float32 is the shortest decimal that reads back as the same float32.
        rows.append("    [" + ", ".join(str(v) for v in row) + "]")
    text = ('{\n'
            '  "name": "optdigits-8x8",\n'
            '  "shape": [1, 8, 8],\n'
            '  "prediction": "epsilon",\n'
            '  "schedule": {"type": "linear", "betaStart": 1e-4, "betaEnd": 0.02, '
            '"trainSteps": 1000},\n'
            f'  "classes": {CLASSES},\n'
            f'  "nullClass": {NULL_CLASS},\n'
            '  "embeddings": [\n' + ",\n".join(rows) + "\n  ]\n}\n")
    read = np.array(json.loads(text)["embeddings"], dtype=np.float64).astype(np.float32)
    if not np.array_equal(read, table.detach().numpy()):
        raise ValueError("the embeddings do not survive the round trip through JSON")
    write_text(path, text)


def export(path, model, inputs, input_names, output_names):
    axes = {name: {0: "N"} for name in input_names + output_names}
    replace(path, lambda tmp: torch.onnx.export(
        model, inputs, tmp, opset_version=13, input_names=input_names,
        output_names=output_names, dynamic_axes=axes))
    print(f"{os.path.basename(path)}: {os.path.getsize(path)} bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=DEFAULT_OUT, help="folder for the exported files")
    parser.add_argument("--checkpoints", default=DEFAULT_CHECKPOINTS,
                        help="folder for torch checkpoints and report.json (default: %(default)s)")
    parser.add_argument("--only", choices=["all", "data", "classifier", "denoiser", "export"],
                        default="all", help="export: no training, export from the checkpoints")
    parser.add_argument("--iterations", type=int, default=8000, help="of the denoiser")
    parser.add_argument("--batch", type=int, default=256, help="of the denoiser")
    parser.add_argument("--lr", type=float, default=1e-3, help="of the denoiser")
    parser.add_argument("--weight-decay", type=float, default=1e-2, help="of the denoiser")
    parser.add_argument("--ema", type=float, default=0.999, help="of the denoiser's weights")
    parser.add_argument("--drop", type=float, default=0.15, help="probability of the null class")
    parser.add_argument("--epochs", type=int, default=60, help="of the classifier")
    parser.add_argument("--seed", type=int, default=20240601)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    os.makedirs(args.out, exist_ok=True)
    os.makedirs(args.checkpoints, exist_ok=True)
    report_path = os.path.join(args.checkpoints, "report.json")
    report = {}
    if os.path.exists(report_path):
        with open(report_path, encoding="utf-8") as f:
            report = json.load(f)
    report["versions"] = {"python": platform.python_version(), "torch": torch.__version__,
                          "sklearn": sklearn.__version__, "numpy": np.__version__}
    everything = args.only == "all"

    pixels, labels = load_data()
    x, y = to_signed(pixels), torch.from_numpy(labels)
    if everything or args.only == "data":
        save_csv(os.path.join(args.out, "optdigits.csv"), pixels, labels)

    checkpoint = os.path.join(args.checkpoints, "classifier.pt")
    if everything or args.only == "classifier":
        start = time.time()
        fit, held = train_test_split(
            np.arange(len(x)), test_size=360, random_state=args.seed, stratify=labels)
        model = train_classifier(x[fit], y[fit], args.epochs, args.seed, "1,437 digits")
        held_accuracy = accuracy(model, x[held], y[held])
        print(f"classifier: {held_accuracy:.4f} of the 360 held out", flush=True)
        model = train_classifier(x, y, args.epochs, args.seed, "all digits")
        report["classifier"] = {
            "parameters": parameters(model), "epochs": args.epochs, "seed": args.seed,
            "heldOutAccuracy": held_accuracy, "accuracyOnAllAfterRetraining": accuracy(model, x, y),
            "seconds": time.time() - start}
        print(report["classifier"], flush=True)
        replace(checkpoint, lambda tmp: torch.save(model.state_dict(), tmp))
    if everything or args.only in ("classifier", "export"):
        model = Classifier()
        model.load_state_dict(torch.load(checkpoint))
        export(os.path.join(args.out, "classifier.onnx"), model.eval(), (x[:2],),
               ["sample"], ["logits", "features"])

    checkpoint = os.path.join(args.checkpoints, "denoiser.pt")
    if everything or args.only == "denoiser":
        model, seconds = train_denoiser(x, y, args)
        abar = torch.from_numpy(alpha_bar().astype(np.float32))
        report["denoiser"] = {
            "parameters": parameters(model.net), "table": parameters(model.table),
            "iterations": args.iterations, "batch": args.batch, "lr": args.lr,
            "weightDecay": args.weight_decay, "ema": args.ema, "drop": args.drop,
            "seed": args.seed, "threads": args.threads, "seconds": seconds,
            "lossWithClass": denoiser_loss(model, x, y, abar, args.seed + 2),
            "lossWithNullClass": denoiser_loss(
                model, x, torch.full_like(y, NULL_CLASS), abar, args.seed + 2)}
        print(report["denoiser"], flush=True)
        replace(checkpoint, lambda tmp: torch.save(model.state_dict(), tmp))
    if everything or args.only in ("denoiser", "export"):
        model = Conditioned()
        model.load_state_dict(torch.load(checkpoint))
        model.eval()
        example = (x[:2], torch.tensor([10.0, 500.0]), model.table.weight[:2].detach())
        export(os.path.join(args.out, "denoiser.onnx"), model.net, example,
               ["sample", "timestep", "condition"], ["epsilon"])
        save_json(os.path.join(args.out, "digits.json"), model.table.weight)

    write_text(report_path, json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
