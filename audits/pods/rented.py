"""How is a miner's image run on a rented GPU, at one cloud or at the cheapest of several that has one?

Such a pod is another company's machine: nobody here can close its way out, and every run says so.  The service is
reached by the cloud's proxy over HTTPS; it fetches the pictures from the addresses of this site.

A cloud only translates (`Cloud`).  What holds for all stands here: who is tried first, that no capacity or no answer
leads on to the next, that a pod names its cloud, card and price, and that a double is ended.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from audits.pods import control_pod
from audits.pods.base import INFRASTRUCTURE, MINER, STEM, UNCLEAR, Image, Pod, PodFault
from audits.pods.rest import Missing, RestRefused, ServerFailed, unknown

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")
BY_DIGEST = re.compile(r"[a-z0-9][A-Za-z0-9./:_-]*@sha256:[0-9a-f]{64}")
# How the clouds say that a card is not to be had; what they say of a bad request or of our credit is something else.
FULL = re.compile(r"no longer any instances|not (?:have the|enough) resources|capacity|not available", re.I)
PREFIX = "gauntlet-"
PORT = 10006
NO_CAPACITY, NOT_STARTED = "no_capacity", "not_started"
REMEDY = "We try again; if it lasts, name more kinds of card or more clouds to rent from."
NO_LOG = b"This provider does not hand out what a service printed.\n"
ISOLATION = (
    "a rented machine of another company, reached over its proxy",
    "image by digest, built from the revealed commit",
    "NOT walled off: the service can reach the network while it generates",
    "no access to anything of the platform",
)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A kind of card, by its cloud's name, and its price in USD an hour as the operator states it; None: not stated."""

    gpu: str
    usd_per_hour: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rental:
    """A machine of ours at a cloud.  `name` is the pod's; an `image` that the cloud does not name is empty.

    `started`: False where the cloud only has its description.
    """

    ident: str
    name: str
    image: str
    address: Mapping[str, Any]
    gpu: str
    usd_per_hour: float | None
    started: bool = True

    def __post_init__(self) -> None:
        if not IDENT.fullmatch(self.ident):
            raise unknown("the provider's name of the pod cannot be read")


class Cloud(Protocol):
    """A company that rents GPUs.  Each call takes seconds and raises Missing, RestRefused and PodFault only."""

    name: str
    offers: tuple[Offer, ...]

    def rentals(self) -> list[Rental]:
        """Every machine of ours (their names begin with PREFIX) that has not ended."""

    def available(self) -> Collection[str] | None:
        """The kinds of card that are to be had now; None where the cloud has no answer to that."""

    def rent(self, name: str, image: str, *, gpu: str, command: Sequence[str]) -> Rental:
        """A machine of that name; `command` replaces the image's own unless it is empty."""

    def fault(self, ident: str) -> PodFault | None:
        """Why it ended, if it has.  Raises Missing where it is gone, PodFault where the cloud does not say."""

    def end(self, ident: str) -> None:
        """Raises Missing where it is gone."""

    def log(self, ident: str) -> bytes:
        """The last part of what the service printed."""


Owners = Callable[[], Mapping[str, Mapping[str, Any]]]


class RentedPods:
    """`pictures` is the address of a prompt's picture with {sha256} and {suffix} in it; `control` an image of this
    platform by digest, in a registry that the clouds can reach.  `built` returns the image by digest of a commit,
    `hash_of` the SHA-256 by which a picture is served, `owners` the place that each pod of an open run has in its row.
    """

    needs_image = True

    def __init__(
        self,
        clouds: Sequence[Cloud],
        *,
        name: str,
        pictures: str,
        control: str,
        built: Callable[[Image], str],
        hash_of: Callable[[Path], str],
        owners: Owners = dict,
    ) -> None:
        if not BY_DIGEST.fullmatch(control):
            raise LookupError(f"{control!r} (GAUNTLET_DOCKER_GATE) is no image by digest in a registry")
        self.name, self.clouds = name, {cloud.name: cloud for cloud in clouds}
        self.pictures, self.control = pictures, control
        self.built, self.hash_of, self.owners = built, hash_of, owners
        self.order = by_price([(cloud, offer) for cloud in clouds for offer in cloud.offers])

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        """The clouds have no unique names, so they are asked first; a double that two workers made is swept."""
        if beside is None:
            return self._start(self.built(image), name=name)
        return self._start(self.built(image), name=name, among=[self._cloud_of(beside)], card=beside.card)

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        among = None if beside is None else [self._cloud_of(beside)]
        return self._start(self.control, name=name, command=control_pod.COMMAND, among=among)

    def _start(
        self,
        digest: str,
        *,
        name: str,
        command: Sequence[str] = (),
        among: Sequence[Cloud] | None = None,
        card: str = "",
    ) -> Pod:
        """`card`: the only kind that will do, "" for any."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a pod")
        if not BY_DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no image by digest in a registry")
        clouds = list(self.clouds.values()) if among is None else among
        silent: dict[str, PodFault] = {}
        for cloud in clouds:
            try:
                there = [row for row in rentals_of(cloud) if row.name == name and row.image in ("", digest)]
            except PodFault as fault:
                silent[cloud.name] = fault
                continue
            if first := min((row for row in there if row.started), key=lambda row: row.ident, default=None):
                return self._pod(cloud, first)
        answering = [cloud for cloud in clouds if cloud.name not in silent]
        offers = [(cloud, offer) for cloud, offer in self.order if card in ("", card_of(cloud, offer.gpu))]
        refused = list(silent.values())
        if not offers:
            refused.append(no_capacity(", ".join(cloud.name for cloud in clouds), card))
        return self._rent(digest, name=name, command=command, among=answering, offers=offers, refused=refused)

    def _rent(
        self,
        digest: str,
        *,
        name: str,
        command: Sequence[str],
        among: Sequence[Cloud],
        offers: Sequence[tuple[Cloud, Offer]],
        refused: list[PodFault],
    ) -> Pod:
        """At the first that can.  One that did not answer is not asked for a second machine in the same call."""
        on_hand = {cloud.name: kinds_on_hand(cloud) for cloud in among}
        for cloud, offer in offers:
            if cloud.name not in on_hand:
                continue
            try:
                if (kinds := on_hand[cloud.name]) is not None and offer.gpu not in kinds:
                    raise no_capacity(cloud.name, offer.gpu)
                return self._pod(cloud, rent_from(cloud, PREFIX + name, digest, gpu=offer.gpu, command=command))
            except PodFault as fault:
                log.info("%s of %s was not rented: %s", offer.gpu, cloud.name, fault)
                refused.append(fault)
                if fault.code not in (NO_CAPACITY, NOT_STARTED):
                    del on_hand[cloud.name]
        raise graver(refused)

    def _pod(self, cloud: Cloud, rental: Rental) -> Pod:
        stated = next((offer.usd_per_hour for offer in cloud.offers if offer.gpu == rental.gpu), None)
        price = stated if rental.usd_per_hour is None else rental.usd_per_hour
        return Pod(
            provider=self.name,
            name=rental.name,
            address=rental.address,
            isolation=ISOLATION,
            place={"cloud": cloud.name, "id": rental.ident},
            card=card_of(cloud, rental.gpu) if rental.gpu else "",
            usd_per_hour=price,
        )

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        if bad := next((stem for stem in pictures if not STEM.fullmatch(stem)), None):
            raise ValueError(f"{bad!r} is not the stem of a prompt")
        return {
            stem: self.pictures.format(sha256=self.hash_of(path), suffix=path.suffix) for stem, path in pictures.items()
        }

    def alive(self, pod: Pod) -> bool:
        return self.fault(pod) is None

    def fault(self, pod: Pod) -> PodFault | None:
        """Raises PodFault where the cloud does not say."""
        try:
            return self._cloud_of(pod).fault(str(pod.place["id"]))
        except Missing:
            return vanished("is gone, taken away or ended from inside")
        except RestRefused as reason:
            raise unknown(f"the provider answered {reason.status}") from reason

    def stop(self, pod: Pod) -> None:
        end_at(self._cloud_of(pod), str(pod.place["id"]))

    def log(self, pod: Pod) -> bytes:
        try:
            return self._cloud_of(pod).log(str(pod.place["id"]))
        except (Missing, RestRefused, PodFault):
            return b""

    def _cloud_of(self, pod: Pod) -> Cloud:
        """A pod of before the clouds were named is at the only one that its provider has."""
        cloud = self.clouds.get(str(pod.place.get("cloud", self.name)))
        if cloud is None:
            raise unknown(f"it was rented at {pod.place.get('cloud')!r}, which GAUNTLET_RENTED no longer names")
        return cloud

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        """Machines of ours that no row knows, and every double: of one name the one stays that its row names, and
        where no row names one yet, the first at each cloud.  A cloud that does not answer holds up no other.
        """
        ended: list[str] = []
        faults: list[PodFault] = []
        for cloud in self.clouds.values():
            try:
                rows = sorted(rentals_of(cloud), key=lambda row: row.ident)
            except PodFault as fault:
                faults.append(fault)
                continue
            known, owners = (known_names(), self.owners()) if rows else (set(), {})
            for row in superfluous(cloud.name, rows, known=known, owners=owners):
                try:
                    end_at(cloud, row.ident)
                    ended.append(row.name)
                except PodFault as fault:
                    faults.append(fault)
        if faults and not ended:
            raise faults[0]
        for left_standing in faults:
            log.warning("the pods of %s could not all be swept: %s", self.name, left_standing)
        return ended


def superfluous(
    cloud: str, rows: Sequence[Rental], *, known: Collection[str], owners: Mapping[str, Mapping[str, Any]]
) -> list[Rental]:
    """Which of a cloud's machines are to be ended; `rows` in the order in which a start looks through them."""
    ends, first = list[Rental](), dict[str, str]()
    for row in rows:
        place = owners.get(row.name)
        if place is None:
            stays = row.started and first.setdefault(row.name, row.ident) == row.ident
        else:
            stays = place.get("id") == row.ident and place.get("cloud", cloud) == cloud
        if row.name not in known or not stays:
            ends.append(row)
    return ends


def card_of(cloud: Cloud, gpu: str) -> str:
    """A pod's kind of machine: the same card at two clouds is not the same."""
    return f"{gpu} at {cloud.name}"


def by_price(offers: Sequence[tuple[Cloud, Offer]]) -> list[tuple[Cloud, Offer]]:
    """The cheapest first where every kind has a price, else in the order in which the operator lists them."""
    priced = [(offer.usd_per_hour, cloud, offer) for cloud, offer in offers if offer.usd_per_hour is not None]
    if len(priced) < len(offers):
        return list(offers)
    return [(cloud, offer) for _, cloud, offer in sorted(priced, key=lambda row: row[0])]


def rentals_of(cloud: Cloud) -> list[Rental]:
    """Raises PodFault where the cloud does not say."""
    try:
        return cloud.rentals()
    except (Missing, RestRefused) as reason:
        raise unknown(f"the list of pods was refused ({reason})") from reason


def kinds_on_hand(cloud: Cloud) -> Collection[str] | None:
    """None where the cloud does not say: then it is simply tried."""
    try:
        return cloud.available()
    except (Missing, RestRefused, PodFault) as reason:
        log.warning("what %s has to rent is not known: %s", cloud.name, reason)
        return None


def rent_from(cloud: Cloud, name: str, digest: str, *, gpu: str, command: Sequence[str]) -> Rental:
    """Raises PodFault: `no_capacity` where the cloud says so, `not_started` where it refused for another reason, and
    unknown where a machine may have been rented all the same.
    """
    try:
        return cloud.rent(name, digest, gpu=gpu, command=command)
    except ServerFailed as failed:
        if FULL.search(failed.message):
            raise no_capacity(cloud.name, gpu) from failed
        raise
    except (Missing, RestRefused) as refused:
        if FULL.search(str(refused)):
            raise no_capacity(cloud.name, gpu) from refused
        raise PodFault(
            INFRASTRUCTURE, NOT_STARTED, f"The GPU provider could not start the pod ({refused}). We try again."
        ) from refused


def end_at(cloud: Cloud, ident: str) -> None:
    """No error if it has ended."""
    try:
        cloud.end(ident)
    except Missing:
        return
    except RestRefused as reason:
        raise PodFault(
            INFRASTRUCTURE, "not_stopped", f"The rented pod could not be ended ({reason.status}). We try again."
        ) from reason


def no_capacity(cloud: str, gpu: str) -> PodFault:
    return PodFault(INFRASTRUCTURE, NO_CAPACITY, f"No {gpu} is free at {cloud}. {REMEDY}")


def graver(faults: Sequence[PodFault]) -> PodFault:
    """What to report of several refusals: no capacity only where there was nothing else."""
    if other := next((fault for fault in faults if fault.code != NO_CAPACITY), None):
        return other
    each = " ".join(fault.sentence.removesuffix(f" {REMEDY}") for fault in faults)
    return PodFault(INFRASTRUCTURE, NO_CAPACITY, f"{each} {REMEDY}")


def vanished(how: str) -> PodFault:
    return PodFault(UNCLEAR, "vanished", f"The rented pod {how}. We try again.")


def blame(exit_code: object) -> PodFault:
    """Who must act on a pod that exited.

    An exit code says that the service ended by itself; without one, or with a kill's, it may have been anybody.
    """
    if isinstance(exit_code, int) and exit_code not in (125, 137, 143):
        return PodFault(MINER, "crashed", f"The service ended by itself, with exit code {exit_code}.")
    return PodFault(UNCLEAR, "ended", "The rented pod was ended, and nobody says why. We try again.")


def usd(value: object) -> float | None:
    """A price in a cloud's answer; None where it is none."""
    try:
        price = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return price if 0 <= price < math.inf else None


def rows_in(value: object) -> list[dict[str, Any]]:
    """A list of objects.  Raises PodFault (unknown) where the answer is anything else."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise unknown("the list of pods cannot be read")
    return value
