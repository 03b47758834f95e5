"""The data plane: what stands behind SageMaker Runtime's InvokeEndpoint, on one machine.

One router process answers HTTP and routes by variant weight; each running model is a child process (`container.py`)
that runs the model's own script-mode code. The control plane says what runs, through `/_control` (`control.py`).
"""
