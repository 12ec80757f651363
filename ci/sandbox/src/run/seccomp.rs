//! System calls that no program in a container needs, and that have let programs out of containers: they are refused, as by the default
//! profile of other container engines. A filter of its own, since libraries for them have one architecture each and would end
//! 32-bit programs.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, ENOSYS, EPERM,
    SECCOMP_RET_ALLOW, SECCOMP_RET_DATA, SECCOMP_RET_ERRNO, sock_filter,
};

use crate::sys;

/// Where a `seccomp_data` (linux/seccomp.h) has the number, the architecture and the lower half of the first argument.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENT: u32 = if cfg!(target_endian = "little") {
    16
} else {
    20
};

/// The flags of clone(2) and unshare(2) that make namespaces.
const NAMESPACES: u32 = 0x7e02_0000;

/// No call of this architecture.
const NONE: u32 = u32::MAX;

/// Numbers of a call by architecture: amd64, 386, those of `asm-generic` (arm64 and everything newer), arm.
type Numbers = [u32; 4];

/// Refused with `EPERM`: keys of the kernel and of other containers, programs and modules for the kernel, mounts, other namespaces, files
/// by handle, and what belongs to the whole machine.
const REFUSED: [(&str, Numbers); 34] = [
    ("acct", [163, 51, 89, 51]),
    ("add_key", [248, 286, 217, 309]),
    ("bpf", [321, 357, 280, 386]),
    ("delete_module", [176, 129, 106, 129]),
    ("finit_module", [313, 350, 273, 379]),
    ("fsconfig", [431, 431, 431, 431]),
    ("fsmount", [432, 432, 432, 432]),
    ("fsopen", [430, 430, 430, 430]),
    ("fspick", [433, 433, 433, 433]),
    ("init_module", [175, 128, 105, 128]),
    ("io_uring_enter", [426, 426, 426, 426]),
    ("io_uring_register", [427, 427, 427, 427]),
    ("io_uring_setup", [425, 425, 425, 425]),
    ("ioperm", [173, 101, NONE, NONE]),
    ("iopl", [172, 110, NONE, NONE]),
    ("kexec_file_load", [320, NONE, 294, 401]),
    ("kexec_load", [246, 283, 104, 347]),
    ("keyctl", [250, 288, 219, 311]),
    ("mount", [165, 21, 40, 21]),
    ("mount_setattr", [442, 442, 442, 442]),
    ("move_mount", [429, 429, 429, 429]),
    ("open_by_handle_at", [304, 342, 265, 371]),
    ("open_tree", [428, 428, 428, 428]),
    ("perf_event_open", [298, 336, 241, 364]),
    ("pivot_root", [155, 217, 41, 218]),
    ("quotactl", [179, 131, 60, 131]),
    ("reboot", [169, 88, 142, 88]),
    ("request_key", [249, 287, 218, 310]),
    ("setns", [308, 346, 268, 375]),
    ("swapoff", [168, 115, 225, 115]),
    ("swapon", [167, 87, 224, 87]),
    ("umount", [NONE, 22, NONE, 22]),
    ("umount2", [166, 52, 39, 52]),
    ("userfaultfd", [323, 374, 282, 388]),
];

/// Refused if they are to make namespaces.
const BY_FLAGS: [(&str, Numbers); 2] = [
    ("clone", [56, 120, 220, 120]),
    ("unshare", [272, 310, 97, 337]),
];

/// As if there were no such call, so that the C library uses `clone`: the flags of this one are in memory, where no filter sees them.
const ABSENT: (&str, Numbers) = ("clone3", [435, 435, 435, 435]);

/// From this number on amd64 has the calls of x32, an ABI that hardly anybody builds into a kernel.
const X32: u32 = 0x4000_0000;

/// The architectures whose programs run natively here: the number in linux/audit.h, and the column.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURES: &[(u32, usize)] = &[(0xc000_003e, 0), (0x4000_0003, 1)];
#[cfg(target_arch = "aarch64")]
const ARCHITECTURES: &[(u32, usize)] = &[(0xc000_00b7, 2), (0x4000_0028, 3)];
#[cfg(target_arch = "riscv64")]
const ARCHITECTURES: &[(u32, usize)] = &[(0xc000_00f3, 2)];
#[cfg(target_arch = "loongarch64")]
const ARCHITECTURES: &[(u32, usize)] = &[(0xc000_0102, 2)];
/// Others have numbers of their own.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "loongarch64"
)))]
const ARCHITECTURES: &[(u32, usize)] = &[];

/// Filters the calls of this process and of all it becomes and starts. Needs `no_new_privs`, or the right to administrate this user
/// namespace.
pub(super) fn restrict() -> std::io::Result<()> {
    if ARCHITECTURES.is_empty() {
        return Ok(());
    }
    sys::filter_system_calls(&program(ARCHITECTURES))
}

/// The filter: a block for each architecture, and nothing for any other.
fn program(architectures: &[(u32, usize)]) -> Vec<sock_filter> {
    let mut program = vec![load(ARCHITECTURE)];
    for &(architecture, column) in architectures {
        let block = block(column);
        // At most 255 instructions can be jumped over.
        debug_assert!(block.len() < 256);
        program.push(unless_equal(architecture, block.len() as u8));
        program.extend(block);
    }
    program.push(refuse(ENOSYS));
    program
}

/// What is refused of one architecture; the rest is allowed.
fn block(column: usize) -> Vec<sock_filter> {
    let mut block = vec![load(NUMBER)];
    let numbers = |numbers: &Numbers| Some(numbers[column]).filter(|&number| number != NONE);
    if column == 0 {
        block.extend([jump(BPF_JGE, X32, 0, 1), refuse(ENOSYS)]);
    }
    for number in REFUSED.iter().filter_map(|(_, all)| numbers(all)) {
        block.extend([unless_equal(number, 1), refuse(EPERM)]);
    }
    if let Some(number) = numbers(&ABSENT.1) {
        block.extend([unless_equal(number, 1), refuse(ENOSYS)]);
    }
    for number in BY_FLAGS.iter().filter_map(|(_, all)| numbers(all)) {
        block.extend([
            unless_equal(number, 4),
            load(ARGUMENT),
            jump(BPF_JSET, NAMESPACES, 0, 1),
            refuse(EPERM),
            answer(SECCOMP_RET_ALLOW),
        ]);
    }
    block.push(answer(SECCOMP_RET_ALLOW));
    block
}

fn instruction(code: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: yes,
        jf: no,
        k: value,
    }
}

fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

fn jump(test: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    instruction(BPF_JMP | test | BPF_K, value, yes, no)
}

/// Passes over instructions unless what was loaded is this.
fn unless_equal(value: u32, over: u8) -> sock_filter {
    jump(BPF_JEQ, value, 0, over)
}

fn answer(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value, 0, 0)
}

fn refuse(errno: i32) -> sock_filter {
    answer(SECCOMP_RET_ERRNO | (errno as u32 & SECCOMP_RET_DATA))
}

#[cfg(test)]
mod tests;
