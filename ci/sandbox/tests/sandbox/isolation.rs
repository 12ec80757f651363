//! What a hostile command finds: nothing of the host.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ci_sandbox::{Error, Mount, MountSource, Network};
use rustix::io::Errno;

use crate::support::Bench;

/// The bits of the capabilities that container engines give by default.
const DEFAULT_CAPABILITIES: &str = "00000000a80425fb";

pub(crate) async fn root_has_the_default_capabilities_and_no_more(bench: Bench) {
    let output = bench
        .output("grep -E '^(Cap|NoNew)' /proc/self/status")
        .await;
    let nnp = if bench.mode == "root" { 0 } else { 1 };
    assert_eq!(
        output.replace('\t', " "),
        format!(
            "CapInh: 0000000000000000\nCapPrm: {0}\nCapEff: {0}\nCapBnd: {0}\nCapAmb: 0000000000000000\nNoNewPrivs: {nnp}\n",
            DEFAULT_CAPABILITIES
        )
    );
}

pub(crate) async fn another_user_has_no_capabilities(bench: Bench) {
    let mut spec = bench.script("grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status");
    spec.user.uid = 1000;
    let output = bench.succeed(spec).await;
    assert_eq!(
        output
            .lines()
            .filter(|line| line.ends_with("0000000000000000"))
            .count(),
        4,
        "{output}"
    );
}

pub(crate) async fn there_is_nothing_to_mount(bench: Bench) {
    let output = bench
        .output("mount -t tmpfs none /tmp || echo 1; umount /proc || echo 2; mount -o remount,rw /proc/sys || echo 3")
        .await;
    assert_eq!(output, "1\n2\n3\n");
}

pub(crate) async fn e8_proc_is_masked_and_read_only_where_it_is_the_hosts(bench: Bench) {
    let output = bench
        .output(
            "cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; \
             ls /proc/scsi /proc/acpi /sys/firmware 2>/dev/null | grep -v : | wc -w; \
             echo x > /proc/sysrq-trigger || echo 1; echo x > /proc/sys/kernel/hostname || echo 2; mkdir /sys/fs/x || echo 3",
        )
        .await;
    assert_eq!(output, "0\n0\n1\n2\n3\n");
}

pub(crate) async fn only_its_own_processes_are_there(bench: Bench) {
    let output = bench
        .output("echo $$; echo /proc/[0-9]*; kill -9 -1; echo alive")
        .await;
    // Pid 1 is the init, 2 the shell. The shell spares itself, and the init is spared by the kernel.
    assert_eq!(output, "2\n/proc/1 /proc/2\nalive\n");
}

pub(crate) async fn the_init_is_out_of_reach(bench: Bench) {
    let output = bench
        .output("cat /proc/1/environ | wc -c; for f in exe root cwd fd/0; do readlink /proc/1/$f || echo denied; done 2>/dev/null")
        .await;
    assert_eq!(output, "0\ndenied\ndenied\ndenied\ndenied\n");
}

pub(crate) async fn no_descriptor_of_the_host_is_open(bench: Bench) {
    // A descriptor that was left open for children by mistake.
    let leak = fs::File::open(bench.path("image")).unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let output = bench
        .output("ls -1 /proc/$$/fd; readlink /proc/$$/fd/0")
        .await;
    assert_eq!(output, "0\n1\n2\n/dev/null\n");
}

pub(crate) async fn e1_a_working_directory_does_not_lead_out(bench: Bench) {
    let image = bench.path("image");
    for number in 3..10 {
        symlink(
            format!("/proc/self/fd/{number}"),
            image.join(format!("fd{number}")),
        )
        .unwrap();
    }
    symlink("/proc/1/root", image.join("root")).unwrap();
    let links = [
        "/proc/self/cwd".to_owned(),
        "/proc/self/root/etc".to_owned(),
        "/root/etc".to_owned(),
    ];
    let descriptors = (3..10).flat_map(|number| {
        [
            format!("/proc/self/fd/{number}"),
            format!("/fd{number}/../../.."),
        ]
    });
    for path in links.into_iter().chain(descriptors) {
        let mut spec = bench.spec(["pwd"]);
        spec.cwd = path.clone().into();
        match bench.try_run(spec).await {
            Err(Error::Setup { step, .. }) => {
                assert_eq!(step, format!("enter the working directory {path}"))
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

pub(crate) async fn e8_a_proc_that_is_a_link_is_refused(bench: Bench) {
    let image = bench.layer("image", &[("fake/self/", "")]);
    symlink("fake", image.join("proc")).unwrap();
    let error = bench
        .try_run(bench.spec(["true"]))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot mount /proc: ")
            && error.ends_with("(the image's /proc is a symbolic link)"),
        "{error}"
    );
}

pub(crate) async fn e8_devices_are_the_hosts_whatever_the_image_says(bench: Bench) {
    let victim = bench.layer("victim", &[("file", "precious")]).join("file");
    let image = bench.layer("image", &[("dev/zero", "not zero")]);
    symlink(&victim, image.join("dev/null")).unwrap();
    let output = bench
        .output("echo gone > /dev/null; head -c 2 /dev/zero | wc -c; stat -c %t:%T /dev/null /dev/zero /dev/urandom; ls /dev")
        .await;
    let names = output.split_once("1:9\n").unwrap();
    assert_eq!(names.0, "2\n1:3\n1:5\n");
    for name in [
        "fd", "full", "mqueue", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
    ] {
        assert!(
            names.1.lines().any(|line| line == name),
            "{name} is missing from {output}"
        );
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

pub(crate) async fn output_can_be_opened_by_name_by_any_user(bench: Bench) {
    let mut spec = bench.script("echo out > /dev/stdout; echo err > /proc/self/fd/2");
    spec.user.uid = 1000;
    let outcome = bench.run(spec).await;
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("out\n", "err\n")
    );
}

pub(crate) async fn the_host_name_is_its_own(bench: Bench) {
    let before = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(bench.output("hostname").await, "dagger\n");
    assert_eq!(
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
        before
    );
}

pub(crate) async fn a_network_of_its_own_has_only_loopback(bench: Bench) {
    let mut spec = bench.script("tail -n +3 /proc/net/dev | wc -l; grep -c lo: /proc/net/dev");
    spec.network = Network::None;
    assert_eq!(bench.succeed(spec).await, "1\n1\n");
}

pub(crate) async fn a_device_file_of_the_image_is_inert(bench: Bench) {
    let output = bench
        .output("for place in /tmp /dev /dev/shm; do mknod $place/made c 1 3 2>/dev/null; (cat $place/made) 2>/dev/null || echo $place: no; done")
        .await;
    assert_eq!(output, "/tmp: no\n/dev: no\n/dev/shm: no\n");
}

/// Run inside by [`our_own_program_cannot_be_overwritten`]: whether we could write to ourselves.
pub(crate) fn intruder() -> ! {
    let access = rustix::fs::access("/proc/self/exe", rustix::fs::Access::WRITE_OK);
    println!("{access:?}");
    std::process::exit(0)
}

/// CVE-2019-5736: an image makes the process that starts it run once more inside, and overwrites its program.
pub(crate) async fn our_own_program_cannot_be_overwritten(bench: Bench) {
    let image = bench.layer(
        "image",
        &[("bin/trap", "#!/proc/self/exe --intruder\n"), ("usr/", "")],
    );
    fs::set_permissions(image.join("bin/trap"), PermissionsExt::from_mode(0o755)).unwrap();
    for name in ["lib", "lib64"] {
        symlink(format!("usr/{name}"), image.join(name)).unwrap();
    }
    let mut spec = bench.spec(["trap"]);
    // The C library that this program is linked with.
    let source = MountSource::Bind {
        path: "/usr".into(),
        subpath: None,
    };
    spec.mounts = vec![Mount {
        source,
        target: "/usr".into(),
        readonly: true,
    }];
    let found = bench.succeed(spec).await;
    // Whoever could not write to it outside is refused for that reason.
    let ours = rustix::fs::access(
        std::env::current_exe().unwrap(),
        rustix::fs::Access::WRITE_OK,
    )
    .is_ok();
    let reason = if ours { Errno::ROFS } else { Errno::ACCESS };
    assert_eq!(found, format!("{:?}\n", Err::<(), _>(reason)));
}
