"""Which GPU host and which account does this deployment use?  Reads the settings, and names the one that is missing."""

from __future__ import annotations

from django.conf import settings

from audits.pods.docker import Host
from audits.pods.runpod import Account


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


def runpod() -> Account:
    return Account(
        key=_needed("GAUNTLET_RUNPOD_KEY", settings.RUNPOD_KEY),
        gpus=tuple(settings.RUNPOD_GPUS),
        pictures=_needed("GAUNTLET_POD_PICTURES", settings.POD_PICTURES),
        control=_needed("GAUNTLET_DOCKER_GATE", settings.DOCKER_GATE),
    )
