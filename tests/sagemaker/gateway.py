"""The embedded AWS with nothing but the SageMaker control plane added; started as a process by the tests."""

from ministack import app

from sandbox import sagemaker

sagemaker.install(app)
app.main()
