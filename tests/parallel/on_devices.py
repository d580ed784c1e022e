"""Run in a process of its own, which has eight devices: writes what it found as JSON.

python -m tests.parallel.on_devices
"""

import json
import math
import sys
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import optax

from fullglow_jax.config import default_config
from fullglow_jax.digests import digest
from fullglow_jax.evaluation import judge as judges
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.gans.model import Turns
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.mean_gradient import mean_gradient
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import on_host
from fullglow_jax.parallel.gradients import sharded_mean_gradient
from fullglow_jax.runs.trained import abstract_state
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture, class_probabilities, normalise
from fullglow_jax.training.step import guarded_step
from tests.flows.test_full_glow import random_model
from tests.gans import test_model as gans
from tests.gans import tiny_inade
from tests.layers.variables import start
from tests.parallel.hlo import moved_bytes

# Tiles of two rows: loops inside loops, where sums over devices must not be.
ARCHITECTURE = FullGlowArchitecture(
    (10, 12), (2,), boundary_maps="smooth", coupling_width=8, spatial_width=8, tile=24
)
BATCH = 16


def devices(count: int, fsdp: int = 1) -> Devices:
    config = default_config().parallel
    config.devices, config.fsdp = count, fsdp
    return Devices(config)


def flow(gradient, architecture, optimizer):
    return JointFlowModel(
        full_glow(architecture),
        bits=8,
        source_weight=0.5,
        optimizer=optimizer,
        mean_gradient=gradient,
    )


def batch_of(count: int) -> Batch:
    rng = np.random.default_rng(0)

    def draw(height, width):
        return rng.integers(0, 256, (count, height, width, 3), np.uint8)

    return Batch(draw(10, 12), draw(10, 12), (draw(5, 6),))


def norms(tree, other) -> float:
    """The largest difference of two trees' arrays, relative by norm."""
    pairs = zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    return max(float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-6)) for a, b in pairs)


def gradients_and_bytes_moved() -> tuple[dict[str, float], float]:
    """Steps over devices and in parts: how they differ from one on one device, and what one moves.

    The differences are of gradients, which are kept as an optimiser's state, and of the means that
    are logged; the bytes are those that the first step all-reduces, over those of the parameters.
    """
    variables, batch = random_model(ARCHITECTURE, np.float32), batch_of(BATCH)

    def step(where: Devices, mode: str, gradient):
        model = flow(gradient, replace(ARCHITECTURE, memory_mode=mode), optax.trace(0.0))
        state = model._first_state(variables)
        state = jax.device_put(state, where.place(state))
        ballots = where.put(np.zeros(where.mesh.size, bool))
        given = state, where.put_batch(batch), where.key(1), ballots
        compiled = jax.jit(guarded_step(model, 0.0), donate_argnums=0).lower(*given).compile()
        after, outcome = compiled(*given)
        return jax.device_get((after.optimizer, outcome.scalars)), compiled

    expected, _ = step(devices(1), "remat", mean_gradient)
    differences, programs = {}, []
    for mode, count, fsdp, parts in (("remat", 8, 1, 2), ("invert", 4, 2, 1)):
        where = devices(count, fsdp)
        found, program = step(where, mode, sharded_mean_gradient(where, parts))
        differences[f"{mode}, {count} devices, fsdp {fsdp}, {parts} parts"] = norms(found, expected)
        programs.append(program.as_text())
    whole = sum(leaf.nbytes for leaf in jax.tree.leaves(variables["params"]))
    return differences, moved_bytes(programs[0], "all-reduce") / whole


def gan_differences() -> dict[str, float]:
    """Of GANs' states with batch norms after two steps over devices, from those on one device.

    Relative to the largest value of each array, or to 1.
    """
    slowly = optax.sgd(0.01)
    # What another scale, or images drawn anew, would add is as much again to compile.
    inade = partial(
        tiny_inade.inade, replace(tiny_inade.A, scales=1), turns=Turns(False, redraw=False)
    )
    found = {}
    for name, gan, tests, cases in (
        ("pix2pix", gans.gan, gans, ((4, 2, 2),)),
        ("INADE", inade, tiny_inade, ((4, 1, 1),)),
    ):
        batch, key = tests.batch_of(8), jax.random.key(1)

        def run(where: Devices, parts: int, gan=gan, tests=tests, batch=batch, key=key):
            model = gan(parts=parts, optimizer=slowly)
            state = tests.state_of(model)
            state = jax.device_put(state, where.place(state))
            step = jax.jit(model.train_step)
            for _ in range(2):
                state, report = step(state, where.put_batch(batch), key)
            return jax.tree.map(np.float64, jax.device_get((state, report.finite, report.scalars)))

        alone = {parts: run(devices(1), parts) for parts in {parts for *_, parts in cases}}
        for count, fsdp, parts in cases:
            pair = run(devices(count, fsdp), parts), alone[parts]
            each = jax.tree.map(lambda a, b: np.abs(a - b).max() / max(np.abs(b).max(), 1), *pair)
            case = f"{name}, {count} devices, fsdp {fsdp}, {parts} parts"
            found[case] = float(max(jax.tree.leaves(each)))
    return found


def state_shares() -> dict[str, float]:
    """Bytes of parameters and moments on a device, over those of a whole copy."""
    architecture = replace(ARCHITECTURE, coupling_width=512, spatial_width=128)  # the paper's
    like = abstract_state(flow(mean_gradient, architecture, optax.adam(1e-3)), devices(8))
    leaves = jax.tree.leaves((like.variables["params"], like.optimizer))
    whole = sum(math.prod(leaf.shape) for leaf in leaves)
    found = {}
    for fsdp in (1, 2, 4, 8):
        placed = zip(leaves, devices(8, fsdp).place(leaves), strict=True)
        found[fsdp] = sum(math.prod(p.shard_shape(leaf.shape)) for leaf, p in placed) / whole
    return found


def digests_of_a_state() -> list[str]:
    """Of the same arrays, whole on every device and split over them in several ways."""
    rng = np.random.default_rng(0)
    state = {"kernel": rng.normal(size=(3, 64, 16)).astype(np.float32), "step": np.int32(7)}
    found = [digest(on_host(state))]
    for count, fsdp in ((1, 1), (8, 1), (8, 4), (8, 8)):
        where = devices(count, fsdp)
        found.append(digest(on_host(jax.device_put(state, where.place(state)))))
    return found


def judges_differ() -> dict[str, float]:
    """What judges on all devices say of photos, from what the network says of each by itself.

    The largest difference of features, and the largest share of pixels whose class is another.
    """
    size = (17, 25)
    network = PSPNet(PSPNetArchitecture(blocks=(1, 1, 1, 1), width=4))
    _, variables = start(network, np.zeros((1, *size, 3), np.float32))
    photos = np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8)
    methods = (PSPNet.features, PSPNet.__call__)
    alone = jax.jit(lambda x: [network.apply(variables, x, method=method) for method in methods])
    features, logits = zip(*(alone(normalise(photo[None])) for photo in photos), strict=True)
    predict = jax.jit(partial(network.apply, variables))
    by_crops = class_probabilities(predict, photos, judges.CROP)
    found = {}
    for judge, scores in (
        (judges.TrainedJudge("trained", network, variables, size), logits),
        (judges.ImportedJudge("imported", network, variables), by_crops[:, None]),
    ):
        of_judge = np.array(judge.features(photos)) - np.concatenate(features)
        classes = np.array(judge.classes(photos)) != np.concatenate(scores).argmax(-1)
        found[f"{judge.name}: features"] = float(np.abs(of_judge).max())
        found[f"{judge.name}: classes"] = float(classes.mean())
    return found


if __name__ == "__main__":
    judges.CROP = (17, 17)
    assert jax.device_count() == 8
    with tiny_inade.shallow():
        gan_states = gan_differences()
    gradients, bytes_moved = gradients_and_bytes_moved()
    json.dump(
        {
            "gradients": gradients,
            "gans": gan_states,
            "all-reduced": bytes_moved,
            "state": state_shares(),
            "digests": digests_of_a_state(),
            "judges": judges_differ(),
        },
        sys.stdout,
    )
