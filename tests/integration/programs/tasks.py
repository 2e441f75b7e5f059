"""A Celery application with a broker in its own memory: its workers wait for ever."""

from __future__ import annotations

import celery

app = celery.Celery("tasks", broker="memory://")
