"""The embedded AWS with the SageMaker control plane and the store of scalable targets; started by the tests."""

from ministack import app

from sandbox import sagemaker
from sandbox.aws import autoscaling

sagemaker.install(app)
autoscaling.install(app)
app.main()
