"""The endpoints that run here: starts containers, swaps routing, stops what is no longer used."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.dataplane.artifacts import ArtifactStore, ArtifactUnavailable
from sandbox.dataplane.container_logs import ContainerLogs
from sandbox.dataplane.recorder import Recorder
from sandbox.dataplane.routing import Counters, Routing, Target
from sandbox.dataplane.spec import BadSpec, Endpoint, Faults, Variant
from sandbox.dataplane.supervisor import Container, StartFailed


class Deployed:
    """An endpoint in service: what was asked for and the targets, by variant name, that do it."""

    def __init__(self, spec: Endpoint, targets: dict[str, Target]) -> None:
        self.spec = spec
        self.targets = targets

    def routing(self) -> Routing:
        members = [(v.kind, v.weight, self.targets[v.name]) for v in self.spec.variants]
        return Routing(members, self.spec.capture)


class Fleet:
    """All containers. `routes` is what the hot path reads: one lookup, always a whole state."""

    def __init__(self, directory: Path, recorder: Recorder) -> None:
        self.routes: dict[str, Routing] = {}
        self._artifacts = ArtifactStore(directory)
        self.logs = ContainerLogs(directory)
        self._recorder = recorder
        self._deployed: dict[str, Deployed] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._counters: defaultdict[tuple[str, str, str], Counters] = defaultdict(Counters)
        self._faults: dict[tuple[str, str], Faults] = {}
        self._retiring: dict[Container, asyncio.Task[None]] = {}

    async def apply(self, name: str, spec: Endpoint) -> dict[str, str]:
        """Bring an endpoint to `spec`. Returns why each variant failed; then the old routing stays. Raises BadSpec for
        a version older than the one in service."""
        async with self._locks[name]:
            current = self._deployed.get(name)
            if current and spec.version < current.spec.version:
                raise BadSpec(f"version {spec.version} is older than {current.spec.version}, which is in service")
            kept = self._reusable(current, spec)
            started = await asyncio.gather(
                *(self._start(name, v) for v in spec.variants if v.name not in kept), return_exceptions=True
            )
            fresh = {t.variant: t for t in started if isinstance(t, Target)}
            failed = [error for error in started if isinstance(error, BaseException)]
            if failed:
                self._retire(fresh.values())
                return dict(_failure(error) for error in failed)
            for variant in spec.variants:
                if variant.name in kept:
                    await kept[variant.name].container.resize(variant.instances)
            self._put_in_service(name, Deployed(spec, kept | fresh))
            if current:
                self._retire(t for variant, t in current.targets.items() if variant not in kept)
            return {}

    async def remove(self, name: str) -> bool:
        """Take an endpoint out of service; False if there is none."""
        async with self._locks[name]:
            self.routes.pop(name, None)
            deployed = self._deployed.pop(name, None)
            if deployed:
                self._retire(deployed.targets.values())
            return deployed is not None

    async def set_faults(self, endpoint: str, variant: str, faults: Faults) -> None:
        """Switch physics for a variant, now and for the containers it gets later."""
        self._faults[endpoint, variant] = faults
        deployed = self._deployed.get(endpoint)
        if deployed and variant in deployed.targets:
            await self._apply_faults(deployed.targets[variant])

    async def stop(self, grace_s: float) -> None:
        """Stop every container, those being retired too."""
        self.routes.clear()
        containers = {*self._retiring, *(target.container for target in self.targets())}
        await asyncio.gather(*(container.stop(grace_s) for container in containers))

    def targets(self) -> list[Target]:
        return [target for deployed in self._deployed.values() for target in deployed.targets.values()]

    def state(self) -> dict[str, Any]:
        """Routing, containers and counters, for reports."""
        return {name: self._endpoint_state(name, deployed) for name, deployed in self._deployed.items()}

    def _endpoint_state(self, name: str, deployed: Deployed) -> dict[str, Any]:
        history = [
            {"variant": variant, "model": model, **counters.as_dict()}
            for (endpoint, variant, model), counters in self._counters.items()
            if endpoint == name
        ]
        variants = {v.name: self._variant_state(v, deployed.targets[v.name]) for v in deployed.spec.variants}
        spec = deployed.spec
        return {"version": spec.version, "config_name": spec.config_name, "variants": variants, "history": history}

    @staticmethod
    def _variant_state(variant: Variant, target: Target) -> dict[str, Any]:
        container = target.container
        return {
            "model": variant.model.name,
            "kind": variant.kind,
            "weight": variant.weight,
            "instances": variant.instances,
            "pid": container.pid,
            "restarts": container.restarts,
            "in_flight": container.in_flight,
            "faults": vars(target.faults),
            **target.counters.as_dict(),
        }

    @staticmethod
    def _reusable(current: Deployed | None, spec: Endpoint) -> dict[str, Target]:
        """The targets whose variant keeps its model."""
        if current is None:
            return {}
        models = {variant.name: variant.model for variant in current.spec.variants}
        return {v.name: current.targets[v.name] for v in spec.variants if models.get(v.name) == v.model}

    async def _start(self, endpoint: str, variant: Variant) -> Target:
        log_path = self.logs.path(endpoint, variant.name, variant.model.name)
        try:
            model_dir = await asyncio.to_thread(self._artifacts.unpacked, variant.model.artifact)
            container = Container(log_path.stem, variant.model, model_dir, log_path)
            await container.start(variant.instances)
        except (ArtifactUnavailable, StartFailed) as error:
            raise _VariantFailed(variant.name, str(error)) from error
        counters = self._counters[endpoint, variant.name, variant.model.name]
        meter = self._recorder.meter(endpoint, variant.name)
        target = Target(endpoint, variant.name, container, counters, meter)
        if (endpoint, variant.name) in self._faults:
            await self._apply_faults(target)
        return target

    def _put_in_service(self, name: str, deployed: Deployed) -> None:
        self._deployed[name] = deployed
        self.routes[name] = deployed.routing()

    async def _apply_faults(self, target: Target) -> None:
        target.faults = self._faults[target.endpoint, target.variant]
        await target.container.set_faults(target.faults)

    def _retire(self, targets: Iterable[Target]) -> None:
        for target in targets:
            container = target.container
            self._retiring[container] = task = asyncio.create_task(container.stop())
            task.add_done_callback(partial(self._retired, container))

    def _retired(self, container: Container, task: asyncio.Task[None]) -> None:
        del self._retiring[container]


class _VariantFailed(Exception):
    def __init__(self, variant: str, reason: str) -> None:
        super().__init__(variant, reason)


def _failure(error: BaseException) -> tuple[str, str]:
    if not isinstance(error, _VariantFailed):
        raise error
    variant, reason = error.args
    return variant, reason
