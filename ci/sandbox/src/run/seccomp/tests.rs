//! Tests of the filter by an interpreter of its few instructions; that the kernel takes it is seen in `tests/sandbox/calls.rs`.

use super::*;

const AMD64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const BOTH: &[(u32, usize)] = &[(AMD64, 0), (I386, 1)];
const ALLOWED: u32 = SECCOMP_RET_ALLOW;

/// What the filter answers.
fn run(architecture: u32, number: u32, argument: u32) -> u32 {
    let program = program(BOTH);
    let (mut at, mut loaded) = (0, 0);
    loop {
        let instruction = program[at];
        at += 1;
        let next = |test: bool| usize::from(if test { instruction.jt } else { instruction.jf });
        let code = u32::from(instruction.code);
        match code & 7 {
            BPF_LD => {
                loaded = match instruction.k {
                    NUMBER => number,
                    ARCHITECTURE => architecture,
                    ARGUMENT => argument,
                    other => panic!("offset {other}"),
                }
            }
            BPF_JMP => {
                at += match code & 0xf0 {
                    BPF_JEQ => next(loaded == instruction.k),
                    BPF_JGE => next(loaded >= instruction.k),
                    BPF_JSET => next(loaded & instruction.k != 0),
                    other => panic!("jump {other}"),
                }
            }
            BPF_RET => return instruction.k,
            other => panic!("instruction {other}"),
        }
    }
}

fn refused(errno: i32) -> u32 {
    SECCOMP_RET_ERRNO | errno as u32
}

#[test]
fn every_call_of_the_list_is_refused_on_each_architecture_and_its_neighbours_are_not() {
    let all = |column: usize| REFUSED.map(|(_, numbers)| numbers[column]);
    for &(architecture, column) in BOTH {
        let refused_here = all(column);
        for number in 0..500 {
            let special = [ABSENT.1[column]];
            let expected = match number {
                number if refused_here.contains(&number) => refused(EPERM),
                number if special.contains(&number) => refused(ENOSYS),
                _ => ALLOWED,
            };
            assert_eq!(
                run(architecture, number, 0),
                expected,
                "{architecture:x} {number}"
            );
        }
    }
}

#[test]
fn processes_and_threads_are_made_and_namespaces_are_not() {
    const CLONE: u32 = 56;
    const UNSHARE: u32 = 272;
    let thread = (libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_THREAD) as u32;
    let process = libc::SIGCHLD as u32;
    assert_eq!(run(AMD64, CLONE, thread), ALLOWED);
    assert_eq!(run(AMD64, CLONE, process), ALLOWED);
    assert_eq!(run(AMD64, UNSHARE, libc::CLONE_FILES as u32), ALLOWED);
    for flag in [
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWUTS,
    ] {
        assert_eq!(run(AMD64, CLONE, process | flag as u32), refused(EPERM));
        assert_eq!(run(AMD64, UNSHARE, flag as u32), refused(EPERM));
        assert_eq!(run(I386, 310, flag as u32), refused(EPERM));
    }
}

#[test]
fn other_ways_to_name_the_same_calls_are_closed() {
    const KEYCTL: u32 = 250;
    assert_eq!(run(AMD64, X32 + KEYCTL, 0), refused(ENOSYS));
    assert_eq!(run(AMD64, X32, 0), refused(ENOSYS));
    let unknown = 0xc000_00b7;
    assert_eq!(run(unknown, 0, 0), refused(ENOSYS));
}

/// The C library knows the numbers of the architecture this is compiled for.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_numbers_are_those_of_the_kernel() {
    let known = [
        ("bpf", libc::SYS_bpf),
        ("clone", libc::SYS_clone),
        ("clone3", libc::SYS_clone3),
        ("init_module", libc::SYS_init_module),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("kexec_load", libc::SYS_kexec_load),
        ("keyctl", libc::SYS_keyctl),
        ("mount", libc::SYS_mount),
        ("mount_setattr", libc::SYS_mount_setattr),
        ("move_mount", libc::SYS_move_mount),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("open_tree", libc::SYS_open_tree),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("pivot_root", libc::SYS_pivot_root),
        ("reboot", libc::SYS_reboot),
        ("setns", libc::SYS_setns),
        ("umount2", libc::SYS_umount2),
        ("unshare", libc::SYS_unshare),
        ("userfaultfd", libc::SYS_userfaultfd),
    ];
    let table: Vec<_> = REFUSED
        .into_iter()
        .chain(BY_FLAGS)
        .chain([ABSENT])
        .collect();
    for (name, number) in known {
        let ours = table.iter().find(|(known, _)| *known == name).unwrap().1[0];
        assert_eq!(i64::from(ours), number, "{name}");
    }
}
