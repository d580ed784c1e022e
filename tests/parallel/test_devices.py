import jax
import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel import distributed, launchers
from fullglow_jax.parallel.devices import Devices

NAMES = ("JAX_NUM_PROCESSES", "SLURM_NTASKS", "SLURM_PROCID", "OMPI_COMM_WORLD_SIZE",
         "KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX", "TPU_WORKER_HOSTNAMES")  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [("fsdp", 2), ("fsdp", 0), ("devices", 2)])
def test_what_the_devices_are_not_is_refused(key, value):
    config = default_config().parallel
    config[key] = value
    with pytest.raises(UserError, match=f"config.parallel.{key}={value}"):
        Devices(config)


def test_batch_that_cannot_be_split():
    devices = Devices()
    devices.check_batch_size(6, "config.train.batch_size", parts=3)
    with pytest.raises(UserError, match=r"batch_size=7 .* in 3 parts .* a multiple of 3.* 6[.]"):
        devices.check_batch_size(7, "config.train.batch_size", parts=3)


def test_every_field_of_a_batch_is_placed():
    image = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    ids = np.arange(8, dtype=np.int32).reshape(1, 2, 4)
    batch = Batch(image, image, (image[:, :1],), instances=ids, label=np.array([7], np.int32))
    devices = Devices(here=True)
    placed = devices.put_batch(batch)
    assert {leaf.sharding for leaf in jax.tree.leaves(placed)} == {devices.sharded}
    jax.tree.map(np.testing.assert_array_equal, placed, batch)


@pytest.mark.parametrize(
    ("variables", "launcher"),
    [
        ({}, None),
        ({"JAX_NUM_PROCESSES": "2"}, "fullglow_jax.launch"),
        ({"JAX_NUM_PROCESSES": "1"}, None),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "1"}, "SLURM"),
        ({"SLURM_NTASKS": "4"}, None),  # salloc's shell, before srun
        ({"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, None),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "Open MPI"),
        ({"KUBERNETES_SERVICE_HOST": "h", "JOB_COMPLETION_INDEX": "0"}, "Kubernetes"),
        ({"KUBERNETES_SERVICE_HOST": "h"}, None),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, "a TPU pod"),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, None),
    ],
)
def test_launchers_are_told_by_what_they_leave_in_the_environment(monkeypatch, variables, launcher):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launchers.detected() == launcher


def test_asked_to_join_nobody(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=r"cannot be joined .*fullglow_jax\.launch"):
        distributed.join(True)


def test_a_seeds_keys_whatever_the_seed_and_compiled_once():
    devices = Devices()
    for seed in (0, 7, 2**31, 2**40, -1):
        assert data(devices.key(seed)) == data(jax.random.key(seed))
    expected = jax.random.split(jax.random.key(3), 2)
    assert [data(key) for key in devices.keys(3, 2)] == [data(key) for key in expected]
    assert devices._wrapped._cache_size() == 1


def data(key):
    return jax.random.key_data(key).tolist()
