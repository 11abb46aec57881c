"""The default network for several seeds in PyTorch, a plain loop as its users write it: nothing recorded.

Usage: torch_members.py SEED…
"""

import sys

import numpy as np
import torch
from plain_pictures import draw_pictures
from torch import nn

EPOCHS, BATCH = 20, 32


def network():
    return nn.Sequential(
        nn.Conv2d(1, 8, 7),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(144, 2),
    )


def train(seed, training, validation, epochs=EPOCHS):
    torch.manual_seed(seed)
    pictures, labels = (torch.from_numpy(part) for part in training)
    others, answers = (torch.from_numpy(part) for part in validation)
    pictures, others = pictures.permute(0, 3, 1, 2).contiguous(), others.permute(0, 3, 1, 2).contiguous()
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        for part in torch.randperm(len(pictures)).split(BATCH):
            optimizer.zero_grad()
            loss_of(model(pictures[part]), labels[part]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            (model(others).argmax(1) == answers).float().mean().item()
    return model


if __name__ == "__main__":
    drawn, named = draw_pictures(1200, np.random.default_rng(0))
    for number in map(int, sys.argv[1:]):
        train(number, (drawn[:840], named[:840]), (drawn[840:1020], named[840:1020]))
