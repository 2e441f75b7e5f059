"""Control groups, read from made-up trees: both versions, and what a container sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrometer.server.cgroups import Roots, memory_left, quota

Files = dict[str, str]


def lay(folder: Path, membership: str, mounts: str, groups: Files) -> Roots:
    """A /proc with one process, 7, and its groups' files."""
    for name, text in {
        "proc/7/cgroup": membership,
        "proc/self/mountinfo": mounts.replace("{root}", str(folder)),
        **groups,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Roots(folder / "proc")


V2_MOUNT = "30 23 0:26 / {root}/cg rw,nosuid - cgroup2 cgroup2 rw\n"
V1_MOUNTS = (
    "32 31 0:29 / {root}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / {root}/memory rw,relatime - cgroup cgroup rw,memory\n"
)


@pytest.mark.parametrize(
    ("membership", "mounts", "groups", "expected"),
    [
        pytest.param("0::/a/b\n", V2_MOUNT, {"cg/a/b/cpu.max": "50000 100000\n"}, 0.5, id="version 2"),
        pytest.param("0::/a/b\n", V2_MOUNT, {"cg/a/b/cpu.max": "max 100000\n"}, None, id="version 2, none"),
        pytest.param(
            "0::/a/b\n",
            V2_MOUNT,
            {"cg/a/b/cpu.max": "400000 100000\n", "cg/a/cpu.max": "100000 100000\n"},
            1.0,
            id="the group above is tighter",
        ),
        pytest.param(
            "4:cpu,cpuacct:/x\n",
            V1_MOUNTS,
            {"cpu/x/cpu.cfs_quota_us": "20000\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            0.2,
            id="version 1",
        ),
        pytest.param(
            "4:cpu,cpuacct:/x\n",
            V1_MOUNTS,
            {"cpu/x/cpu.cfs_quota_us": "-1\n", "cpu/x/cpu.cfs_period_us": "100000\n"},
            None,
            id="version 1, none",
        ),
        pytest.param(
            "0::/docker/abc\n",
            "30 23 0:26 /docker/abc {root}/cg ro - cgroup2 cgroup2 rw\n",
            {"cg/cpu.max": "10000 100000\n"},
            0.1,
            id="a container that sees its group as the root of the mount",
        ),
        pytest.param(
            "0::/../other\n", V2_MOUNT, {"cg/cpu.max": "30000 100000\n"}, 0.3, id="a group outside of our namespace"
        ),
        pytest.param("0::/a\n", V2_MOUNT, {"cg/a/cpu.max": "nonsense\n"}, None, id="nonsense"),
        pytest.param("", "", {}, None, id="nothing mounted"),
    ],
)
def test_the_tightest_quota_counts(
    tmp_path: Path, membership: str, mounts: str, groups: Files, expected: float | None
) -> None:
    """Fault 68, 87c: our cost is a share of what the service may use."""
    assert quota(7, lay(tmp_path, membership, mounts, groups)) == expected


@pytest.mark.parametrize(
    ("membership", "mounts", "groups", "expected"),
    [
        pytest.param(
            "0::/a\n",
            V2_MOUNT,
            {"cg/a/memory.max": "1000\n", "cg/a/memory.current": "700\n", "cg/a/memory.stat": "inactive_file 50\n"},
            350,
            id="version 2: file cache can be dropped",
        ),
        pytest.param(
            "0::/a\n", V2_MOUNT, {"cg/a/memory.max": "max\n", "cg/a/memory.current": "7\n"}, None, id="version 2, none"
        ),
        pytest.param(
            "6:memory:/a\n",
            V1_MOUNTS,
            {"memory/a/memory.limit_in_bytes": "1000\n", "memory/a/memory.usage_in_bytes": "1100\n"},
            0,
            id="version 1, used up",
        ),
        pytest.param(
            "6:memory:/a\n",
            V1_MOUNTS,
            {"memory/a/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.usage_in_bytes": "1\n"},
            None,
            id="version 1, none",
        ),
    ],
)
def test_memory_until_the_tightest_limit(
    tmp_path: Path, membership: str, mounts: str, groups: Files, expected: int | None
) -> None:
    """Fault 68, 87c: we keep away from the limit."""
    assert memory_left(7, lay(tmp_path, membership, mounts, groups)) == expected
