"""The judgement of `why`: from what was observed to what is wrong, worst first. Knows no server and no terminal.

observation ──► threads, waits, loops, resources, peers ──► judgement
                a family of rules each: observations in, findings out
"""
