"""What nearly every web service has loaded before it starts anything of ours; nothing here is used."""

# ruff: noqa: F401, ICN001 - loaded is all that it has to be
from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import datetime
import enum
import functools
import http.client
import inspect
import json
import logging
import re
import socket
import struct
import threading
import typing
