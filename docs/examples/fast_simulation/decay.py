# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""K⁰ → π⁺π⁻π⁰ in a toy spectrometer: what a detailed simulation would give, a row of NumPy per event. MeV."""

import numpy as np

KAON, CHARGED, NEUTRAL = 497.611, 139.570, 134.977
BOOST = 180.0  # momentum of the kaon
THRESHOLD = 70.0  # the detector sees a π⁰ from this momentum on
RESOLUTION = 1e-3  # δp = RESOLUTION · p²: 1 GeV⁻¹


def _momentum(m, a, b):
    """Of two particles of masses a and b, at rest of their mother of mass m."""
    return np.sqrt(np.maximum((m * m - (a + b) ** 2) * (m * m - (a - b) ** 2), 0)) / (2 * m)


def _direction(rng, n):
    z, phi = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)


def _boost(p, energy, beta):
    """Four-vectors seen from a frame that moves with −beta (a vector per event)."""
    square = np.sum(beta * beta, axis=1)
    gamma = 1 / np.sqrt(1 - square)
    along = np.sum(beta * p, axis=1)
    factor = np.where(square > 0, (gamma - 1) / np.where(square > 0, square, 1), 0) * along + gamma * energy
    return p + factor[:, None] * beta, gamma * (energy + along)


def decays(n, rng):
    """Momenta of π⁺, π⁻, π⁰ ([n, 3] each) for flat three-body phase space."""
    found = []
    while sum(len(part[0]) for part in found) < n:
        pair = rng.uniform(2 * CHARGED, KAON - NEUTRAL, 2 * n)  # mass of π⁺π⁻
        weight = _momentum(KAON, pair, NEUTRAL) * _momentum(pair, CHARGED, CHARGED)
        pair = pair[rng.random(2 * n) * weight.max() < weight]
        m = len(pair)
        p0 = _momentum(KAON, pair, NEUTRAL)[:, None] * _direction(rng, m)
        plus = _momentum(pair, CHARGED, CHARGED)[:, None] * _direction(rng, m)
        beta = -p0 / np.hypot(pair, np.linalg.norm(p0, axis=1))[:, None]
        pions = []
        for p in (plus, -plus):
            pions.append(_boost(p, np.sqrt(np.sum(p * p, axis=1) + CHARGED**2), beta)[0])
        kaon = BOOST / np.hypot(BOOST, KAON) * _direction(rng, m)
        masses = (CHARGED, CHARGED, NEUTRAL)
        found.append([_boost(p, np.sqrt(np.sum(p * p, axis=1) + w * w), kaon)[0] for p, w in zip((*pions, p0), masses)])
    return [np.concatenate([part[i] for part in found])[:n] for i in range(3)]


def mass(p, q, a, b):
    energy = np.sqrt(np.sum(p * p, axis=1) + a * a) + np.sqrt(np.sum(q * q, axis=1) + b * b)
    return np.sqrt(np.maximum(energy**2 - np.sum((p + q) ** 2, axis=1), 0))


def dalitz(plus, minus, neutral):
    """The two coordinates of the Dalitz plot: masses of π⁺π⁻ and π⁺π⁰."""
    return np.stack([mass(plus, minus, CHARGED, CHARGED), mass(plus, neutral, CHARGED, NEUTRAL)], axis=1)


def measured(pions, rng):
    """Momenta with the spectrometer's errors; directions are exact."""
    result = []
    for p in pions:
        size = np.linalg.norm(p, axis=1, keepdims=True)
        result.append(p * (1 + RESOLUTION * size * rng.normal(size=size.shape)))
    return result


def accepted(neutral):
    return np.linalg.norm(neutral, axis=1) > THRESHOLD
