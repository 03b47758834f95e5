"""Rows in, `Profile` out: captured traffic, tables, labels and Model Monitor's files, by one definition.

Three engines count alike: `stream` in a Lambda, `embedded` in one process, `spark` beyond one machine.
"""
