"""Many images, classifiers and methods: plans, results that a restart goes on from, and an index.

`plan` says what is wanted, `jobs` what that comes to, `results` where finished maps lie, `claims`
who works on what, `running` does the work, `index` and `sheet` list what was found. Nothing here
knows Qt, and any number of processes may work on one folder of results.
"""
