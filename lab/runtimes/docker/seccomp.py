"""The system calls of a container that makes its zones itself: user and network namespaces, and no other way to more.

The engine's own filter allows no namespace at all. This one starts from all that an ordinary process may call and takes
away what only matters to who has rights, for in its own user namespace a process has them all.
"""

import json

# Namespaces that may neither be made nor entered, for only user and network ones may: time, mount, control group, host
# name, IPC, process (<linux/sched.h>).
FORBIDDEN_NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000)
# What makes or enters namespaces, and which argument tells the kinds. To `clone`, 0x80 is a part of a signal's number.
NAMESPACE_CALLS = {"unshare": 0, "setns": 1, "clone": 0}
REFUSED = (
    "acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "fanotify_init",
    "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_kernel_syms", "init_module", "ioperm", "iopl",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "kcmp", "kexec_file_load", "kexec_load", "keyctl",
    "lookup_dcookie", "mount", "mount_setattr", "move_mount", "name_to_handle_at", "nfsservctl", "open_by_handle_at",
    "open_tree", "perf_event_open", "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace", "query_module",
    "quotactl", "quotactl_fd", "reboot", "request_key", "setdomainname", "sethostname", "settimeofday", "stime",
    "swapoff", "swapon", "sysfs", "syslog", "umount", "umount2", "uselib", "userfaultfd", "ustat", "vhangup", "vm86",
    "vm86old",
)  # fmt: skip
EPERM, ENOSYS = 1, 38


def profile() -> str:
    """As the engine takes it (`--security-opt seccomp=…`)."""
    kinds = [
        (call, {"index": at, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"})
        for call, at in NAMESPACE_CALLS.items()
        for flag in FORBIDDEN_NAMESPACES
        if (call, flag) != ("clone", 0x80)
    ]
    # Zero enters a namespace of whatever kind the descriptor is.
    kinds.append(("setns", {"index": NAMESPACE_CALLS["setns"], "value": 0, "op": "SCMP_CMP_EQ"}))
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [
                {"names": list(REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM},
                # Its flags are in memory, where a filter cannot look; callers then fall back to clone.
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
                # A rule that allows what is allowed anyway would be dropped: these refuse.
                *(
                    {"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM, "args": [kind]}
                    for call, kind in kinds
                ),
            ],
        }
    )
