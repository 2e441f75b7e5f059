"""Sampling profiles: what reads the processes, what that may cost, and the pprof file that comes of it.

Target ──► Recording ──► OutsideReader ──► launcher ──► py-spy, one a process
               │    └──► AgentReader ────► the sampler in the process
               ▼
           Gathering ──► pprof.encode
"""
