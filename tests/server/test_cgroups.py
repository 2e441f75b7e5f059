"""Control groups, read from made-up trees: both versions, and what a container sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrometer.server.cgroups import Memory, Roots, Throttling, memory, memory_left, oom_kills, quota, throttling

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


@pytest.mark.parametrize(
    ("membership", "mounts", "groups", "expected"),
    [
        pytest.param(
            "0::/a/b\n",
            V2_MOUNT,
            {
                "cg/a/b/cpu.max": "50000 100000\n",
                "cg/a/b/cpu.stat": "usage_usec 9\nnr_periods 40\nnr_throttled 10\nthrottled_usec 2500000\n",
                "cg/a/cpu.max": "200000 100000\n",
            },
            Throttling(0.5, 40, 10, 2.5),
            id="version 2, of the group with the tightest quota",
        ),
        pytest.param(
            "4:cpu,cpuacct:/x\n",
            V1_MOUNTS,
            {
                "cpu/x/cpu.cfs_quota_us": "20000\n",
                "cpu/x/cpu.cfs_period_us": "100000\n",
                "cpu/x/cpu.stat": "nr_periods 7\nnr_throttled 3\nthrottled_time 1500000000\n",
            },
            Throttling(0.2, 7, 3, 1.5),
            id="version 1",
        ),
        pytest.param(
            "0::/a\n", V2_MOUNT, {"cg/a/cpu.max": "1000 1000\n"}, Throttling(1.0, None, None, None), id="no counts"
        ),
        pytest.param("0::/a\n", V2_MOUNT, {"cg/a/cpu.max": "max 1000\n"}, None, id="no quota"),
    ],
)
def test_throttling_is_that_of_the_tightest_quota(
    tmp_path: Path, membership: str, mounts: str, groups: Files, expected: Throttling | None
) -> None:
    """Both versions count periods, and the time in different units."""
    assert throttling(7, lay(tmp_path, membership, mounts, groups)) == expected


def test_a_memory_limit_comes_with_what_is_used_of_it(tmp_path: Path) -> None:
    """The one that is reached first, whatever its size."""
    groups = {
        "cg/a/memory.max": "1000\n",
        "cg/a/memory.current": "900\n",
        "cg/a/memory.stat": "anon 1\ninactive_file 50\n",
        "cg/a/b/memory.max": "500\n",
        "cg/a/b/memory.current": "100\n",
    }
    assert memory(7, lay(tmp_path, "0::/a/b\n", V2_MOUNT, groups)) == Memory(1000, 900, 150)


@pytest.mark.parametrize(
    ("membership", "mounts", "groups", "expected"),
    [
        pytest.param("0::/a\n", V2_MOUNT, {"cg/a/memory.events": "low 0\noom 3\noom_kill 2\n"}, 2, id="version 2"),
        pytest.param(
            "9:memory:/x\n",
            V1_MOUNTS,
            {"memory/x/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"},
            5,
            id="version 1",
        ),
        pytest.param("0::/a\n", V2_MOUNT, {}, None, id="nobody counts"),
    ],
)
def test_kills_for_want_of_memory_are_counted(
    tmp_path: Path, membership: str, mounts: str, groups: Files, expected: int | None
) -> None:
    """That there were none is something else than that nobody knows."""
    assert oom_kills(7, lay(tmp_path, membership, mounts, groups)) == expected
