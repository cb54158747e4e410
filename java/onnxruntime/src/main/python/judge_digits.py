#!/usr/bin/env python3
"""Judges the digit denoiser trained by train_digits.py.

What it does
    Draws samples (by default 100 of each class) with DDIM, eta 0, over "leading"
    timesteps (t = i * 1000/steps, last level alpha-bar 1, no clipping) for several
    numbers of steps, without guidance and with guidance (out = u + w (c - u)), and
    prints for each setting
      network   how often the trained classifier finds the class that was asked for
      svc       the same for scikit-learn's SVC(gamma=0.001) on pixels 0..16
                (the samples are clipped to 0..16 for it, not rounded)
      frechet   the Frechet distance between the classifier's 64 features over the
                samples and over the 1,797 real digits
      outside   the share of pixels outside [-1, 1] by more than 0.1
      nearest   the median distance (Euclidean, pixels in [-1, 1]) from a sample to
                the nearest real digit
      close     the share of samples nearer to a real digit than all but 1% of the
                real digits are to their nearest other one (a sign of copying where
                it is well above 0.01)
    For scale it also prints what the real digits themselves give, both judges'
    accuracy on digits they were not trained on, and the denoiser's loss on whole and
    on half-way timesteps.

How long it takes
    About 15 seconds on 2 cores of an x86-64 server CPU.

What it needs
    What train_digits.py needs, and the checkpoint folder it wrote (--checkpoints).
    It judges the torch checkpoints, from which the ONNX files were exported.
"""

import argparse
import json
import math
import os
import struct
import sys
import zlib

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

sys.dont_write_bytecode = True  # leave no __pycache__ beside the sources
import train_digits as td  # noqa: E402


def levels(steps):
    """Timesteps from high to low, and alpha-bar at each, followed by 1."""
    if td.TRAIN_STEPS % steps:
        raise ValueError("the number of steps must divide 1000")
    t = np.arange(steps)[::-1] * (td.TRAIN_STEPS // steps)
    return t, np.append(td.alpha_bar()[t], 1.0)


def ddim(model, noise, label, steps, guidance):
    """DDIM with eta 0; guidance 1 means none and evaluates the network once per step."""
    x = noise
    n = len(x)
    t, abar = levels(steps)
    null = torch.full_like(label, td.NULL_CLASS)
    with torch.no_grad():
        for i in range(steps):
            now = torch.full((n,), float(t[i]))
            if guidance == 1:
                eps = model(x, now, label)
            else:
                both = model(torch.cat([x, x]), torch.cat([now, now]), torch.cat([label, null]))
                c, u = both[:n], both[n:]
                eps = u + guidance * (c - u)
            ratio = math.sqrt(abar[i + 1] / abar[i])
            x = ratio * x + (math.sqrt(1 - abar[i + 1]) - ratio * math.sqrt(1 - abar[i])) * eps
    return x


def moments(features):
    f = features.double().numpy()
    return f.mean(0), np.cov(f, rowvar=False)


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet(a, b):
    (m1, c1), (m2, c2) = a, b
    r = root(c1)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(r @ c2 @ r), 0)).sum()
    return float(((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * cross)


def nearest(a, b, skip_self=False):
    d = torch.cdist(a.reshape(len(a), -1), b.reshape(len(b), -1),
                    compute_mode="donot_use_mm_for_euclid_dist")
    if skip_self:
        d.fill_diagonal_(math.inf)
    return d.min(1).values


def outside(x):
    return (x.abs() > 1.1).double().mean().item()


def to_pixels(x):
    return ((x.reshape(len(x), -1).double() + 1) * 8).clamp(0, 16).numpy()


def half_way_loss(model, x, y, seed, offset, draws=16):
    """The loss at t + offset, the level interpolated in the logarithm of alpha-bar."""
    gen = torch.Generator().manual_seed(seed)
    log = torch.from_numpy(np.log(td.alpha_bar()))
    total = 0.0
    with torch.no_grad():
        for _ in range(draws):
            t = torch.randint(0, td.TRAIN_STEPS - 1, (len(x),), generator=gen)
            eps = torch.randn(x.shape, generator=gen)
            a = torch.exp((1 - offset) * log[t] + offset * log[t + 1]).float().reshape(-1, 1, 1, 1)
            noisy = a.sqrt() * x + (1 - a).sqrt() * eps
            total += torch.nn.functional.mse_loss(model(noisy, t + offset, y), eps).item()
    return total / draws


def write_sheet(path, images, columns, scale=6, gap=4):
    """Writes [N, 1, 8, 8] images in [-1, 1] as a grey PNG, ink dark on light paper."""
    rows = math.ceil(len(images) / columns)
    cell = 8 * scale + gap
    sheet = np.full((rows * cell + gap, columns * cell + gap), 128, np.uint8)
    grey = (255 - (images.reshape(-1, 8, 8).clamp(-1, 1).numpy() + 1) * 127.5).round()
    for i, image in enumerate(grey.astype(np.uint8)):
        top, left = gap + i // columns * cell, gap + i % columns * cell
        sheet[top:top + 8 * scale, left:left + 8 * scale] = np.kron(
            image, np.ones((scale, scale), np.uint8))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    raw = b"".join(b"\0" + row.tobytes() for row in sheet)
    header = struct.pack(">IIBBBBB", sheet.shape[1], sheet.shape[0], 8, 0, 0, 0, 0)

    def write(tmp):
        with open(tmp, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                    + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
    td.replace(path, write)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", default=td.DEFAULT_CHECKPOINTS,
                        help="folder train_digits.py wrote to (default: %(default)s)")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="of the starting noise")
    parser.add_argument("--settings", default="10,20,50,100,50w2",
                        help="STEPS or STEPSwGUIDANCE, comma-separated (default: %(default)s)")
    parser.add_argument("--sheet", metavar="PNG",
                        help="also draw samples: a row per class, 50 steps, no guidance")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)

    model, judge = td.Conditioned(), td.Classifier()
    model.load_state_dict(torch.load(os.path.join(args.checkpoints, "denoiser.pt")))
    judge.load_state_dict(torch.load(os.path.join(args.checkpoints, "classifier.pt")))
    model.eval()
    judge.eval()
    with open(os.path.join(args.checkpoints, "report.json"), encoding="utf-8") as f:
        report = json.load(f)

    pixels, labels = td.load_data()
    x, y = td.to_signed(pixels), torch.from_numpy(labels)
    fit, held = train_test_split(np.arange(len(x)), test_size=360, stratify=labels,
                                 random_state=report["classifier"]["seed"])
    svc_held = SVC(gamma=0.001).fit(pixels[fit], labels[fit]).score(pixels[held], labels[held])
    svc = SVC(gamma=0.001).fit(pixels, labels)
    with torch.no_grad():
        real = moments(judge(x)[1])
        # Two random halves of the real digits: what a perfect sampler would get from about 900.
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(args.seed))
        half = frechet(moments(judge(x[order[:898]])[1]), moments(judge(x[order[898:]])[1]))

    between = nearest(x, x, skip_self=True)
    close = between.quantile(0.01).item()

    figures = {
        "parameters": {"denoiser": td.parameters(model.net), "table": td.parameters(model.table),
                       "classifier": td.parameters(judge)},
        "heldOut": {"network": report["classifier"]["heldOutAccuracy"], "svc": svc_held},
        "loss": {"whole": half_way_loss(model, x, y, args.seed, 0.0),
                 "halfWay": half_way_loss(model, x, y, args.seed, 0.5)},
        "real": {"frechetBetweenHalves": half, "outside": outside(x),
                 "nearest": between.median().item(), "closeBelow": close},
        "samples": args.per_class * td.CLASSES, "seed": args.seed, "settings": {}}
    print(f"judges on 360 held-out digits: network {figures['heldOut']['network']:.4f}, "
          f"svc {svc_held:.4f}")
    print(f"denoiser loss: whole timesteps {figures['loss']['whole']:.5f}, "
          f"half-way {figures['loss']['halfWay']:.5f}")
    print(f"real digits: frechet between two halves {half:.4f}, outside {outside(x):.4f}, "
          f"nearest {figures['real']['nearest']:.3f}, "
          f"close below {close:.3f}")
    print(f"{figures['samples']} samples, DDIM eta 0, noise seed {args.seed}")
    print("steps guidance  network   svc    frechet outside nearest  close")

    label = torch.arange(td.CLASSES).repeat_interleave(args.per_class)
    for setting in args.settings.split(","):
        steps, _, guidance = setting.partition("w")
        noise = torch.randn((len(label), 1, 8, 8),
                            generator=torch.Generator().manual_seed(args.seed))
        samples = ddim(model, noise, label, int(steps), float(guidance or 1))
        with torch.no_grad():
            logits, features = judge(samples)
        hit = logits.argmax(1) == label
        distance = nearest(samples, x)
        row = {"network": hit.double().mean().item(),
               "svc": float((svc.predict(to_pixels(samples)) == label.numpy()).mean()),
               "frechet": frechet(moments(features), real),
               "outside": outside(samples), "nearest": distance.median().item(),
               "close": (distance < close).double().mean().item(),
               "networkPerClass": hit.reshape(td.CLASSES, -1).double().mean(1).tolist()}
        figures["settings"][setting] = row
        print(f"{steps:>5} {guidance or 'none':>8}  {row['network']:.3f}   {row['svc']:.3f}  "
              f"{row['frechet']:7.4f}  {row['outside']:.4f}  {row['nearest']:.3f}  {row['close']:.3f}",
              flush=True)
        if setting == "50" and args.sheet:
            pick = torch.cat([torch.arange(min(20, args.per_class)) + c * args.per_class
                              for c in range(td.CLASSES)])
            write_sheet(args.sheet, samples[pick], min(20, args.per_class))
    if args.json:
        td.write_text(args.json, json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
