"""Pods that are rented at the stand-ins of the GPU clouds."""

from __future__ import annotations

from pathlib import Path

from audits.pods import runpod, targon, verda
from audits.pods.base import Image
from audits.pods.rented import Cloud, Offer, Owners, RentedPods
from tests.audits import rental_server, targon_server, verda_server
from tests.audits.rental_server import Rental
from tests.audits.targon_server import TargonCloud
from tests.audits.verda_server import VerdaCloud

IMAGE = Image(repo="miner/solution", commit="c" * 40)
DIGEST = "registry.example.org/solution@sha256:" + "b" * 64
CONTROL = "registry.example.org/gauntlet@sha256:" + "9" * 64
PICTURES = "https://site.example.org/files/{sha256}{suffix}"
H100 = "NVIDIA H100 80GB HBM3"


def rented_pods(*clouds: Cloud, name: str = "", control: str = CONTROL, owners: Owners = dict) -> RentedPods:
    return RentedPods(
        clouds,
        name=name or clouds[0].name,
        pictures=PICTURES,
        control=control,
        built=lambda image: DIGEST,
        hash_of=lambda path: "f" * 64,
        owners=owners,
    )


def at_runpod(rental: Rental, *, key: str = rental_server.KEY, **gpus: float) -> runpod.RunPod:
    return runpod.RunPod(runpod.RunPodAccount(key=key, gpus=offers(gpus) or (Offer(gpu=H100),), base=rental.url))


def at_verda(cloud: VerdaCloud, *, secret: str = verda_server.SECRET, **gpus: float) -> verda.Verda:
    kinds = offers(gpus) or (Offer(gpu="H200"),)
    return verda.Verda(verda.VerdaAccount(client=verda_server.CLIENT, secret=secret, gpus=kinds, base=cloud.url))


def at_targon(cloud: TargonCloud, *, key: str = targon_server.KEY, **gpus: float) -> targon.Targon:
    kinds = tuple(Offer(gpu=each.gpu.replace("_", "-"), usd_per_hour=each.usd_per_hour) for each in offers(gpus))
    return targon.Targon(targon.TargonAccount(key=key, gpus=kinds or (Offer(gpu="h200-small"),), base=cloud.url))


def offers(gpus: dict[str, float]) -> tuple[Offer, ...]:
    return tuple(Offer(gpu=gpu, usd_per_hour=price) for gpu, price in gpus.items())


def pictures() -> dict[str, Path]:
    return {"chair": Path("x.png")}
