"""The Delivery stack: promotion, rollback, and what watches them."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.config import Config
from infra.function import Function
from infra.pairing import Pairing
from infra.permissions import Permission, promotion_arn
from infra.promotion import Promotion
from infra.queue import undelivered as undelivered_queue
from infra.retraining import Retraining
from infra.rollback import Rollback
from infra.state import State
from infra.watch import Watch
from slipway import names


class Delivery(cdk.Stack):
    """Five functions that the state machine calls by turns, `pair` for captured traffic, and `operate` for people."""

    def __init__(self, scope: Construct, *, config: Config, state: State) -> None:
        super().__init__(scope, f"{names.PREFIX}-delivery", description="Slipway: releases")
        self._state, self._may = state, state.permissions(self)
        undelivered = undelivered_queue(self, f"{names.PREFIX}-undelivered")
        steps = self._steps(undelivered)
        packages = endpoints = config.endpoint_names
        promotion = Promotion(
            self, steps=steps, packages=packages, undelivered=undelivered, topic=state.topic, notify=self._may.notify()
        )
        Rollback(self, roll_back=steps["RollBack"], endpoints=endpoints, undelivered=undelivered)
        self._watch(promotion.machine, undelivered)
        self._function("operate", timeout=30, may=[self._may.emit()])
        Pairing(self, pair=self._pair(undelivered), store=state.store, undelivered=undelivered)
        Retraining(self, config=config, state=state, may=self._may, undelivered=undelivered)

    def _watch(self, promotions: sfn.StateMachine, undelivered: sqs.IQueue) -> None:
        """A rolled-back release is a good end; a failed or aborted execution may leave one half-way."""
        watch = Watch(self, topic=self._state.topic, runbook="docs/runbooks/stuck-release.md")
        failed, aborted = promotions.metric_failed(), promotions.metric_aborted()
        watch.on_any(f"{names.PROMOTION}-failed", failed, "a promotion failed, its rollback included; look now")
        watch.on_any(f"{names.PROMOTION}-aborted", aborted, "a promotion was stopped by hand; its release still stands")
        watch.on_undelivered(f"{names.PREFIX}-undelivered", undelivered, "an approval or an alarm reached nobody")

    def _steps(self, undelivered: sqs.IQueue) -> dict[str, Function]:
        """By their names in the state machine's definition."""
        may = self._may
        machine = {"PROMOTION_ARN": promotion_arn(self)}
        observe = [*may.see_endpoints(), may.see_scaling()]
        shape = [*may.change_layout(), may.move_weights(), *may.scale()]
        replace = [*shape, may.see_packages(), *may.make_models(), may.probe()]
        admit = [*observe, may.see_packages(), *may.read(names.MODELS), may.follow(names.PROMOTION), may.measure()]
        settle = [*observe, *replace, *may.clear_away(), may.emit()]
        undo = [*observe, *shape, may.measure(), may.follow(names.PROMOTION), may.start_promotions(), may.emit()]
        return {
            "Admit": self._function("admit", timeout=60, may=admit, environment=machine),
            "Shift": self._function("shift", timeout=120, may=[*observe, *replace]),
            "Judge": self._function("judge", timeout=60, may=[may.measure()]),
            "Settle": self._function("settle", timeout=120, may=settle),
            "RollBack": self._function(
                "roll_back", timeout=300, may=undo, environment=machine, dead_letter_queue=undelivered
            ),
        }

    def _pair(self, undelivered: sqs.IQueue) -> Function:
        """It tells nobody, and of the ledger it writes only what it counts."""
        state, may = self._state, self._may
        return Function(
            self,
            "pair",
            timeout=120,
            environment={"LEDGER_TABLE": state.ledger.table_name, "BUCKET": state.store.bucket_name},
            may=[
                may.see_releases(),
                may.keep_pairs(),
                may.measure(),
                *may.read(names.CAPTURE, names.GROUND_TRUTH),
            ],
            dead_letter_queue=undelivered,
        )

    def _function(
        self,
        verb: str,
        *,
        timeout: int,
        may: Sequence[Permission],
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> Function:
        """A function that reads and writes the ledger and tells people, and may do what is listed besides."""
        state = self._state
        shared = {"LEDGER_TABLE": state.ledger.table_name, "TOPIC_ARN": state.topic.topic_arn}
        return Function(
            self,
            verb,
            timeout=timeout,
            environment={**shared, **(environment or {})},
            may=[self._may.use_ledger(), *self._may.notify(), *may],
            dead_letter_queue=dead_letter_queue,
        )
