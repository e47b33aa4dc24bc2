"""Which GPU host and which accounts does this deployment use?  Reads the settings; names the one that is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from audits.pods import runpod, targon, verda
from audits.pods.docker import Host
from audits.pods.rented import Cloud, Offer


def _needed(name: str, value: str) -> str:
    if not value:
        raise LookupError(f"{name} is not set: a competition asks for pods that need it")
    return value


def docker() -> Host:
    return Host(
        url=_needed("GAUNTLET_DOCKER_URL", settings.DOCKER_URL),
        gate=_needed("GAUNTLET_DOCKER_GATE", settings.DOCKER_GATE),
        address=settings.DOCKER_ADDRESS,
        egress=settings.DOCKER_EGRESS,
        gpus=settings.DOCKER_GPUS,
    )


def site() -> dict[str, str]:
    """What every rented machine needs of this site: the pictures' address, and the image of control pods."""
    return {
        "pictures": _needed("GAUNTLET_POD_PICTURES", settings.POD_PICTURES),
        "control": _needed("GAUNTLET_DOCKER_GATE", settings.DOCKER_GATE),
    }


def runpod_cloud() -> Cloud:
    key = _needed("GAUNTLET_RUNPOD_KEY", settings.RUNPOD_KEY)
    return runpod.RunPod(runpod.RunPodAccount(key=key, gpus=_offers("GAUNTLET_RUNPOD_GPUS", settings.RUNPOD_GPUS)))


def verda_cloud() -> Cloud:
    _needed("GAUNTLET_VERDA_INFERENCE_KEY", settings.VERDA_INFERENCE_KEY)  # audits.pods.link sends it
    account = verda.VerdaAccount(
        client=_needed("GAUNTLET_VERDA_CLIENT", settings.VERDA_CLIENT),
        secret=_needed("GAUNTLET_VERDA_SECRET", settings.VERDA_SECRET),
        gpus=_offers("GAUNTLET_VERDA_GPUS", settings.VERDA_GPUS),
    )
    return verda.Verda(account)


def targon_cloud() -> Cloud:
    key = _needed("GAUNTLET_TARGON_KEY", settings.TARGON_KEY)
    return targon.Targon(targon.TargonAccount(key=key, gpus=_offers("GAUNTLET_TARGON_GPUS", settings.TARGON_GPUS)))


CLOUDS: Mapping[str, Callable[[], Cloud]] = {"runpod": runpod_cloud, "targon": targon_cloud, "verda": verda_cloud}


def clouds() -> list[Cloud]:
    """Those of the pods `rented`: the settings have checked that each has its keys, and each kind of card a price."""
    _needed("GAUNTLET_RENTED", ",".join(settings.RENTED))
    return [CLOUDS[name]() for name in settings.RENTED]


def _offers(name: str, kinds: list[str]) -> tuple[Offer, ...]:
    """`NVIDIA H200=3.99` is a kind and its price in USD an hour; the price may be left out."""
    _needed(name, ",".join(kinds))
    parts = [kind.partition("=") for kind in kinds]
    return tuple(Offer(gpu=gpu.strip(), usd_per_hour=float(price) if price else None) for gpu, _, price in parts)
