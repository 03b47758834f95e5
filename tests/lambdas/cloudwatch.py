"""CloudWatch as the judge meets it: points of a minute each, in answers of several pages."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

PAGE, POINTS = 3, 2  # results a page, points a result; a day comes as a whole
DAY = 1000


class CloudWatch:
    def __init__(self) -> None:
        self.points: dict[tuple[str, str, str, str], dict[float, float]] = defaultdict(dict)
        self.put: dict[tuple[str, ...], float] = {}  # our own: by metric and further dimension
        self.status = "Complete"

    def minute(
        self, at: float, role: str, requests: int, errors: int = 0, p50: float = 3000.0, endpoint: str = "fraud"
    ) -> None:
        """One minute of a variant that begins at `at` (unix seconds); p50: microseconds."""
        p90 = 2 * p50
        sums = {"Invocations": requests, "Invocation5XXErrors": errors, "InvocationModelErrors": errors}
        for metric, value in sums.items():
            self.points[endpoint, role, metric, "Sum"][at] = value
        for statistic, value in (("p50", p50), ("p90", p90)):
            self.points[endpoint, role, "ModelLatency", statistic][at] = value

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        assert Namespace == "Slipway"
        for datum in MetricData:
            where = {d["Name"]: d["Value"] for d in datum["Dimensions"]}
            assert (where.pop("EndpointName"), where.pop("VariantName")) == ("fraud", "baseline")
            self.put[datum["MetricName"], *where.values()] = datum["Value"]

    def get_metric_data(
        self,
        MetricDataQueries: list[dict[str, Any]],  # noqa: N803 - AWS's names
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        ScanBy: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        results = []
        for query in MetricDataQueries:
            found = self._points(query["MetricStat"])
            inside = [(at, v) for at, v in sorted(found.items()) if StartTime.timestamp() <= at < EndTime.timestamp()]
            size = POINTS if len(inside) < DAY else len(inside)
            parts = range(0, max(1, len(inside)), size)
            results += [self._result(query["Id"], inside[i : i + size]) for i in parts]
        start = int(NextToken)
        more = {"NextToken": str(start + PAGE)} if start + PAGE < len(results) else {}
        return {"MetricDataResults": results[start : start + PAGE], **more}

    def _points(self, asked: dict[str, Any]) -> dict[float, float]:
        """Minutes as they are; sums of longer periods."""
        assert asked["Metric"]["Namespace"] == "AWS/SageMaker"
        where = {d["Name"]: d["Value"] for d in asked["Metric"]["Dimensions"]}
        name = asked["Metric"]["MetricName"]
        minutes = self.points[where["EndpointName"], where["VariantName"], name, asked["Stat"]]
        if asked["Period"] == 60:
            return minutes
        assert asked["Stat"] == "Sum"
        sums: dict[float, float] = defaultdict(float)
        for at, value in minutes.items():
            sums[at // asked["Period"] * asked["Period"]] += value
        return sums

    def _result(self, id: str, points: list[tuple[float, float]]) -> dict[str, Any]:
        stamps = [datetime.fromtimestamp(at, UTC) for at, _ in points]
        return {"Id": id, "StatusCode": self.status, "Timestamps": stamps, "Values": [value for _, value in points]}
