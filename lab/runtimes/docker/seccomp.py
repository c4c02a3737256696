"""The system calls of a container that makes its zones itself: user and network namespaces, and no other way to more.

The engine's own filter allows no namespace at all. This one starts from all that an ordinary process may call and takes
away what only matters to who has rights, for in its own user namespace a process has them all.
"""

import json

# Namespaces that may be made or entered: user and network (<linux/sched.h>). The mask is every namespace's flag.
NEW_USER, NEW_NET = 0x10000000, 0x40000000
NAMESPACE_FLAGS = 0x7E020080
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
    unshare = [
        {"index": 0, "value": NAMESPACE_FLAGS, "valueTwo": flags, "op": "SCMP_CMP_MASKED_EQ"}
        for flags in (0, NEW_NET, NEW_USER, NEW_USER | NEW_NET)
    ]
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [
                {"names": list(REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM},
                # Its flags are in memory, where a filter cannot look; callers then fall back to clone.
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
                *(
                    {"names": ["unshare"], "action": "SCMP_ACT_ALLOW", "args": [allowed]}
                    for allowed in unshare
                ),
            ],
        }
    )
