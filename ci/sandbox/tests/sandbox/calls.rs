//! System calls as programs inside make them: what containers do not need is refused, in every mode, whoever asks.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};

use ci_sandbox::{Exit, Mount, MountSource, Spec};

use crate::support::Bench;

/// The argument that makes this program try calls and print how each ended.
pub(crate) const CALLS: &str = "--calls";

pub(crate) fn make() -> ! {
    let call = |name: &str, number: libc::c_long, arguments: [libc::c_long; 3]| {
        let [a, b, c] = arguments;
        // SAFETY: none of the calls below is given memory to write to.
        let result = unsafe { libc::syscall(number, a, b, c) };
        let error = io::Error::last_os_error();
        let code = if result < 0 {
            error.raw_os_error().unwrap_or(0)
        } else {
            0
        };
        println!("{name} {code}");
    };
    let root = c"/".as_ptr() as libc::c_long;
    // Without a filter each would end otherwise, capabilities or not.
    call("keyctl", libc::SYS_keyctl, [0, -3, 0]);
    call("setns", libc::SYS_setns, [-1, 0, 0]);
    call(
        "open_tree",
        libc::SYS_open_tree,
        [libc::AT_FDCWD.into(), root, 0],
    );
    call("io_uring_setup", libc::SYS_io_uring_setup, [0, 0, 0]);
    call("perf_event_open", libc::SYS_perf_event_open, [0, 0, 0]);
    call(
        "unshare",
        libc::SYS_unshare,
        [libc::CLONE_NEWUSER.into(), 0, 0],
    );
    call("clone3", libc::SYS_clone3, [0, 0, 0]);
    // What programs do use.
    call(
        "unshare of files",
        libc::SYS_unshare,
        [libc::CLONE_FILES.into(), 0, 0],
    );
    let thread = std::thread::spawn(|| 5).join().unwrap();
    println!("thread {thread}");
    let status = std::process::Command::new("/bin/true").status().unwrap();
    println!("process {status}");
    std::process::exit(0)
}

/// This program inside, with the C library it is linked with.
fn spec(bench: &Bench) -> Spec {
    let image = bench.layer("image", &[("usr/", "")]);
    for name in ["lib", "lib64"] {
        symlink(format!("usr/{name}"), image.join(name)).unwrap();
    }
    let bind = |path: std::path::PathBuf, target: &str| Mount {
        source: MountSource::Bind {
            path,
            subpath: None,
        },
        target: target.into(),
        readonly: true,
    };
    let mut spec = bench.spec(["/suite", CALLS]);
    spec.mounts = vec![
        bind("/usr".into(), "/usr"),
        bind(std::env::current_exe().unwrap(), "/suite"),
    ];
    spec
}

pub(crate) async fn what_containers_do_not_need_is_refused(bench: Bench) {
    let (refused, absent) = (libc::EPERM, libc::ENOSYS);
    let expected = format!(
        "keyctl {refused}\nsetns {refused}\nopen_tree {refused}\nio_uring_setup {refused}\nperf_event_open {refused}\n\
         unshare {refused}\nclone3 {absent}\nunshare of files 0\nthread 5\nprocess exit status: 0\n"
    );
    let spec = spec(&bench);
    assert_eq!(bench.succeed(spec.clone()).await, expected);
    let mut other = spec;
    other.user.uid = 1000;
    assert_eq!(bench.succeed(other).await, expected);
}

pub(crate) async fn the_filter_is_there_whatever_else_is_asked_for(bench: Bench) {
    for no_new_privs in [None, Some(true), Some(false)] {
        let mut spec = bench.spec(["grep", "^Seccomp:", "/proc/self/status"]);
        spec.no_new_privs = no_new_privs;
        assert_eq!(bench.succeed(spec).await, "Seccomp:\t2\n");
    }
}

/// The same calls have other numbers for 32-bit programs.
pub(crate) async fn a_32_bit_program_is_refused_the_same(bench: Bench) {
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    // mov eax, 288 (keyctl); xor ebx, ebx; mov ecx, -3; xor edx, edx; int 0x80; neg eax; mov ebx, eax; mov eax, 1 (exit); int 0x80
    let code = [
        0xb8, 0x20, 1, 0, 0, 0x31, 0xdb, 0xb9, 0xfd, 0xff, 0xff, 0xff, 0x31, 0xd2, 0xcd, 0x80,
        0xf7, 0xd8, 0x89, 0xc3, 0xb8, 1, 0, 0, 0, 0xcd, 0x80,
    ];
    let start: u32 = 0x10000;
    let headers: u32 = 52 + 32;
    let size = headers + code.len() as u32;
    let mut program = b"\x7fELF\x01\x01\x01".to_vec();
    program.resize(16, 0);
    program.extend([2, 0, 3, 0]);
    for word in [1, start + headers, 52, 0, 0] {
        program.extend(u32::to_le_bytes(word));
    }
    for half in [52_u16, 32, 1, 40, 0, 0] {
        program.extend(half.to_le_bytes());
    }
    for word in [1, 0, start, start, size, size, 5, 0x1000] {
        program.extend(u32::to_le_bytes(word));
    }
    program.extend(code);
    let place = bench.layer("image", &[]).join("bin/narrow");
    fs::write(&place, program).unwrap();
    fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).unwrap();
    if std::process::Command::new(&place).status().is_err() {
        return;
    }
    let outcome = bench.run(bench.spec(["narrow"])).await;
    assert_eq!(outcome.exit, Exit::Code(libc::EPERM));
}
