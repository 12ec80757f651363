//! The root file system and what is mounted into it: layers, changes, mount points, and that nothing leads out.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ci_sandbox::{Changes, Error, Exit, Mount, MountSource, Root, Secret, Spec};
use rustix::fs::CWD;

use crate::support::Bench;

fn mount(source: MountSource, target: &str, readonly: bool) -> Mount {
    Mount {
        source,
        target: target.into(),
        readonly,
    }
}

fn tmpfs(target: &str) -> Mount {
    mount(
        MountSource::Tmpfs {
            size: Some(1 << 20),
            mode: 0o1777,
        },
        target,
        false,
    )
}

fn bytes(text: &str, target: &str) -> Mount {
    mount(
        MountSource::Bytes {
            bytes: Secret(text.into()),
            mode: 0o400,
            uid: 0,
            gid: 0,
        },
        target,
        true,
    )
}

fn bind(path: PathBuf, subpath: Option<&str>, target: &str, readonly: bool) -> Mount {
    mount(
        MountSource::Bind {
            path,
            subpath: subpath.map(PathBuf::from),
        },
        target,
        readonly,
    )
}

pub(crate) async fn changes_are_in_the_upper_directory(bench: Bench) {
    bench.layer("image", &[("etc/old", "old"), ("dir/file", "")]);
    bench
        .output("echo new > /etc/new; rm /etc/old; rm -r /dir; mkdir /dir")
        .await;
    assert_eq!(bench.changes(), ["dir", "etc", "etc/new", "etc/old"]);
    let whiteout = fs::symlink_metadata(bench.path("upper/etc/old")).unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    // The changes are a layer like any other.
    let spec = bench.spec_over(
        vec![bench.path("image"), bench.path("upper")],
        ["ls", "/etc", "/dir"],
    );
    let spec = Spec {
        root: Root {
            changes: Changes::Forbid,
            ..spec.root
        },
        ..spec
    };
    let output = bench.succeed(spec).await;
    assert!(
        output.contains("new") && !output.contains("old") && !output.contains("file"),
        "{output}"
    );
}

pub(crate) async fn a_whole_stack_of_layers_is_merged(bench: Bench) {
    for count in [2, 127, 400] {
        let mut lowers = vec![bench.path("image")];
        for number in 1..count {
            let name = format!("layers-of-{count}/{number}");
            lowers.push(bench.layer(
                &name,
                &[(&format!("n/{number}"), ""), ("top", &number.to_string())],
            ));
        }
        let mut spec = bench.spec_over(lowers, ["sh", "-c", "ls /n | wc -l; cat /top"]);
        spec.root.changes = Changes::Forbid;
        assert_eq!(bench.succeed(spec).await, format!("{0}\n{0}", count - 1));
    }
}

pub(crate) async fn more_layers_than_the_kernel_merges_are_refused(bench: Bench) {
    let spec = bench.spec_over(vec![bench.path("image"); 501], ["true"]);
    let error = bench.try_run(spec).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot merge 501 layers: the kernel merges at most 500"
    );
}

pub(crate) async fn a_long_path_with_odd_names_is_no_obstacle(bench: Bench) {
    // Longer than the 255 bytes of a mount option, and with all that has a meaning in one.
    let long = format!("{}/{}/a:b,c\\d \"e\"", "x".repeat(200), "y".repeat(200));
    let spec = bench.spec_over(
        vec![bench.path("image"), bench.layer(&long, &[("found", "yes")])],
        ["cat", "/found"],
    );
    assert_eq!(bench.succeed(spec).await, "yes");
}

pub(crate) async fn writes_can_be_forbidden_or_forgotten(bench: Bench) {
    let mut spec = bench.script("touch /etc/x || echo refused");
    spec.root.changes = Changes::Forbid;
    assert_eq!(bench.succeed(spec).await, "refused\n");
    let mut spec = bench.script("echo kept > /etc/x; cat /etc/x");
    spec.root.changes = Changes::Discard;
    assert_eq!(bench.succeed(spec).await, "kept\n");
    assert!(!bench.path("image/etc/x").exists() && bench.changes().is_empty());
}

pub(crate) async fn an_empty_image_can_run_what_is_mounted(bench: Bench) {
    let mut spec = bench.spec_over(vec![], ["/tools/busybox", "ls", "/"]);
    spec.mounts
        .push(bind(bench.path("image/bin"), None, "/tools", true));
    assert_eq!(bench.succeed(spec).await, "dev\netc\nproc\nsys\ntools\n");
    assert_eq!(bench.changes(), [] as [&str; 0]);
}

pub(crate) async fn e3_missing_mount_points_leave_no_trace(bench: Bench) {
    let mut spec = bench.spec(["ls", "-d", "/a/b/c", "/etc/secrets/key", "/run/x"]);
    spec.mounts = vec![
        tmpfs("/a/b/c"),
        bytes("s", "/etc/secrets/key"),
        bind(bench.path("image"), None, "/run/x", true),
    ];
    bench.succeed(spec).await;
    assert_eq!(bench.changes(), [] as [&str; 0]);
    assert!(!bench.path("image/a").exists() && !bench.path("image/proc").exists());
}

pub(crate) async fn what_is_written_beside_a_mount_point_is_kept(bench: Bench) {
    let mut spec = bench.script("echo 1 > /a/file; echo 2 > /etc/file; echo 3 > /a/b/lost");
    spec.mounts = vec![tmpfs("/a/b"), bytes("s", "/etc/secret")];
    bench.succeed(spec).await;
    assert_eq!(bench.changes(), ["a", "a/file", "etc", "etc/file"]);
}

pub(crate) async fn directories_around_a_mount_point_keep_their_metadata(bench: Bench) {
    let image = bench.layer("image", &[("srv/data/", "")]);
    fs::set_permissions(image.join("srv"), PermissionsExt::from_mode(0o2711)).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(image.join("srv"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let mut spec = bench.script("stat -c %a:%Y:%u /srv");
    spec.mounts = vec![tmpfs("/srv/data/new/point")];
    assert_eq!(bench.succeed(spec).await, "2711:1000000000:0\n");
}

pub(crate) async fn the_root_directory_has_the_mode_of_the_image(bench: Bench) {
    fs::set_permissions(bench.path("image"), PermissionsExt::from_mode(0o751)).unwrap();
    fs::set_permissions(bench.path("upper"), PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(bench.output("stat -c %a /").await, "751\n");
}

pub(crate) async fn a_bind_is_writable_unless_read_only(bench: Bench) {
    let host = bench.layer("host", &[("file", "old")]);
    let mut spec =
        bench.script("echo new > /rw/file; cat /ro/file; echo x > /ro/file || echo refused");
    spec.mounts = vec![
        bind(host.clone(), None, "/rw", false),
        bind(host.clone(), None, "/ro", true),
    ];
    assert_eq!(bench.succeed(spec).await, "new\nrefused\n");
    assert_eq!(fs::read_to_string(host.join("file")).unwrap(), "new\n");
}

pub(crate) async fn e2_e4_a_part_does_not_lead_out_of_the_whole(bench: Bench) {
    let host = bench.layer(
        "host",
        &[("inside/file", "inside"), ("etc/passwd", "inside")],
    );
    fs::write(bench.path("outside"), "outside").unwrap();
    symlink(bench.path("outside"), host.join("absolute")).unwrap();
    symlink("../outside", host.join("climber")).unwrap();
    symlink("/etc/passwd", host.join("link")).unwrap();
    symlink("/proc/self/root/etc", host.join("magic")).unwrap();

    let part = |subpath: &str| {
        let mut spec = bench.spec(["cat", "/part"]);
        spec.mounts = vec![bind(host.clone(), Some(subpath), "/part", true)];
        spec
    };
    assert_eq!(bench.succeed(part("inside/file")).await, "inside");
    // As in an image: absolute links begin at its root.
    assert_eq!(bench.succeed(part("link")).await, "inside");
    for hostile in ["absolute", "climber", "magic/passwd", "../outside"] {
        let error = bench.try_run(part(hostile)).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot mount the part {hostile}: No such file")),
            "{error}"
        );
    }

    let mut spec = bench.spec(["cat", "/part"]);
    let source = MountSource::Layers {
        lowers: vec![host.clone()],
        subpath: Some("link".into()),
    };
    spec.mounts = vec![mount(source, "/part", true)];
    assert_eq!(bench.succeed(spec).await, "inside");
}

/// Exchanges a directory and a link that leads out of it, as fast as it goes, until it is dropped.
struct Swapper(Option<(Arc<AtomicBool>, std::thread::JoinHandle<()>)>);

impl Swapper {
    fn start(place: PathBuf, target: PathBuf) -> Self {
        let aside = place.with_extension("aside");
        symlink(target, &aside).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let swapping = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, &place, CWD, &aside, flags).unwrap();
            }
        });
        Self(Some((done, swapping)))
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        if let Some((done, swapping)) = self.0.take() {
            done.store(true, Ordering::Relaxed);
            swapping.join().unwrap();
        }
    }
}

/// CVE-2024-23651: the part is a link to the host by the time it is mounted.
pub(crate) async fn e2_a_part_that_is_swapped_for_a_link_never_leads_out(bench: Bench) {
    let host = bench.layer("host", &[("part/file", "inside")]);
    let outside = bench.layer("outside", &[("file", "outside")]);
    let _swapper = Swapper::start(host.join("part"), outside);
    let mut found = 0;
    for _ in 0..50 {
        let mut spec = bench.spec(["cat", "/mnt/file"]);
        spec.mounts = vec![bind(host.clone(), Some("part"), "/mnt", true)];
        match bench.try_run(spec).await {
            Ok(outcome) => {
                assert_eq!(outcome.stdout, "inside", "{outcome:?}");
                found += 1;
            }
            // The link leads to a path that the whole does not have.
            Err(Error::Setup { source, .. }) => assert_eq!(source.kind(), ErrorKind::NotFound),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(found > 0, "it was never the directory");
}

/// A volume that others write to is mounted, and in it something else. Where that goes is theirs to change, but not out of the image.
pub(crate) async fn e8_a_mount_point_that_is_swapped_for_a_link_stays_inside(bench: Bench) {
    let volume = bench.layer("volume", &[("point/", "")]);
    let outside = bench.layer("outside", &[("file", "outside")]);
    let _swapper = Swapper::start(volume.join("point"), outside.clone());
    for _ in 0..50 {
        let script = "cat /volume/point/deep/secret /proc/kcore 2>/dev/null; echo x > /proc/sysrq-trigger || echo masked";
        let mut spec = bench.script(script);
        spec.mounts = vec![
            bind(volume.clone(), None, "/volume", false),
            bytes("secret\n", "/volume/point/deep/secret"),
        ];
        match bench.try_run(spec).await {
            Ok(outcome) => assert!(
                matches!(outcome.stdout.as_str(), "secret\nmasked\n" | "masked\n"),
                "{outcome:?}"
            ),
            Err(Error::Setup { step, .. }) => assert!(step.starts_with("mount at "), "{step}"),
            Err(error) => panic!("{error}"),
        }
    }
    let names: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names, ["file"], "something was made outside");
}

/// Each finds the mount point, whoever made it.
pub(crate) async fn e2_a_mount_point_in_a_shared_volume_is_made_by_several_at_once(bench: Bench) {
    for round in 0..20 {
        let volume = bench.layer(&format!("volume-{round}"), &[]);
        let run = || {
            let mut spec = bench.spec(["ls", "/volume/a/b"]);
            spec.root.changes = Changes::Discard;
            spec.mounts = vec![
                bind(volume.clone(), None, "/volume", false),
                tmpfs("/volume/a/b/c"),
            ];
            bench.succeed(spec)
        };
        let listed = tokio::join!(run(), run(), run(), run());
        assert_eq!(<[String; 4]>::from(listed), ["c\n"; 4]);
    }
}

/// Links in what is mounted first do not lead what is mounted later out of the image, nor is anything made where they point.
pub(crate) async fn e3_a_link_in_a_volume_does_not_lead_a_mount_out(bench: Bench) {
    let outside = bench.layer("outside", &[]);
    let volume = bench.layer("volume", &[]);
    symlink(&outside, volume.join("out")).unwrap();
    symlink("../../../../../..", volume.join("up")).unwrap();
    let mut spec = bench.spec(["ls", "-d", "/up-was-here"]);
    spec.mounts = vec![
        bind(volume.clone(), None, "/volume", false),
        tmpfs("/volume/up/up-was-here"),
    ];
    assert_eq!(bench.succeed(spec).await, "/up-was-here\n");
    let mut spec = bench.spec(["true"]);
    spec.mounts = vec![
        bind(volume, None, "/volume", false),
        tmpfs("/volume/out/made"),
    ];
    // Inside the image there is no such directory; whether one is made there is no matter, as long as none is outside.
    let _ = bench.try_run(spec).await;
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

pub(crate) async fn other_layers_can_be_mounted_and_are_not_changed(bench: Bench) {
    let lowers = vec![
        bench.layer("one", &[("dir/a", "1")]),
        bench.layer("two", &[("dir/b", "2")]),
    ];
    let layers = |subpath: Option<&str>| MountSource::Layers {
        lowers: lowers.clone(),
        subpath: subpath.map(PathBuf::from),
    };
    let mut spec = bench.script("cat /whole/dir/a /part/b; touch /part/c || echo refused; touch /whole/dir/c; ls /whole/dir");
    spec.mounts = vec![
        mount(layers(None), "/whole", false),
        mount(layers(Some("dir")), "/part", true),
    ];
    assert_eq!(bench.succeed(spec).await, "12refused\na\nb\nc\n");
    assert!(!bench.path("two/dir/c").exists());
}

pub(crate) async fn s1_a_secret_is_a_file_in_memory(bench: Bench) {
    let mut spec = bench.script("cat /run/secrets/token; stat -c %a:%u:%g /run/secrets/token; grep /run/secrets /proc/mounts");
    spec.mounts = vec![bytes("hunter2\n", "/run/secrets/token")];
    assert!(!format!("{spec:?}").contains("hunter2"));
    let output = bench.succeed(spec).await;
    assert!(
        output.starts_with("hunter2\n400:0:0\ntmpfs /run/secrets/token tmpfs ro"),
        "{output}"
    );
    assert_eq!(bench.changes(), [] as [&str; 0]);
}

pub(crate) async fn a_secret_is_readable_by_the_user_it_is_for(bench: Bench) {
    let mut spec = bench.spec(["cat", "/token"]);
    spec.user.uid = 1000;
    let source = MountSource::Bytes {
        bytes: Secret(b"ok".into()),
        mode: 0o400,
        uid: 1000,
        gid: 0,
    };
    spec.mounts = vec![mount(source, "/token", true)];
    assert_eq!(bench.succeed(spec).await, "ok");
}

pub(crate) async fn a_file_in_memory_is_a_program_if_its_mode_says_so(bench: Bench) {
    for (mode, expected) in [(0o755, 0), (0o644, 126)] {
        let mut spec = bench.script("/script");
        let source = MountSource::Bytes {
            bytes: Secret(b"#!/bin/sh\nexit 0\n".into()),
            mode,
            uid: 0,
            gid: 0,
        };
        spec.mounts = vec![mount(source, "/script", true)];
        assert_eq!(bench.run(spec).await.exit, Exit::Code(expected), "{mode:o}");
    }
}

pub(crate) async fn e3_a_link_in_the_image_does_not_lead_a_mount_out(bench: Bench) {
    let victim = bench.layer("victim", &[("precious", "")]);
    let image = bench.path("image");
    symlink(&victim, image.join("absolute")).unwrap();
    symlink(
        format!("../../../../../../../..{}", victim.display()),
        image.join("climber"),
    )
    .unwrap();
    let mut spec = bench.script("ls /absolute /climber; rm -rf /absolute/* /climber/*");
    spec.mounts = vec![tmpfs("/absolute/in"), tmpfs("/climber/also")];
    let output = bench.run(spec).await.stdout;
    assert!(!output.contains("precious"), "{output}");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
}

pub(crate) async fn l11_a_mount_follows_links_inside_the_image(bench: Bench) {
    let image = bench.layer("image", &[("real/", "")]);
    symlink("/real", image.join("alias")).unwrap();
    symlink("/nowhere/yet", image.join("dangling")).unwrap();
    let mut spec = bench.script("cat /real/x/file /nowhere/yet");
    spec.mounts = vec![
        tmpfs("/alias/x"),
        bytes("1", "/alias/x/file"),
        bytes("2", "/dangling"),
    ];
    assert_eq!(bench.succeed(spec).await, "12");
    assert_eq!(bench.changes(), [] as [&str; 0]);
}

pub(crate) async fn a_file_is_not_mounted_on_a_directory(bench: Bench) {
    let mut spec = bench.spec(["true"]);
    spec.mounts = vec![bytes("x", "/etc")];
    let error = bench.try_run(spec).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot mount at /etc: the image has a directory there, the mount is a file"
    );
}

pub(crate) async fn names_are_resolved_without_a_trace(bench: Bench) {
    bench.layer("image", &[("etc/hosts", "6.6.6.6 localhost\n")]);
    let mut spec = bench.script("cat /etc/hosts; echo 'nameserver 1.1.1.1' > /etc/resolv.conf");
    spec.network = ci_sandbox::Network::None;
    spec.hosts = vec![("db".into(), [10, 0, 0, 7].into())];
    let output = bench.succeed(spec).await;
    assert!(
        output.contains("127.0.0.1\tlocalhost\n")
            && output.ends_with("127.0.0.1\tdagger\n10.0.0.7\tdb\n"),
        "{output}"
    );
    assert!(!output.contains("6.6.6.6"));
    assert_eq!(bench.changes(), [] as [&str; 0]);
}

pub(crate) async fn the_hosts_of_the_host_are_known_on_its_network(bench: Bench) {
    let resolv = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    assert_eq!(bench.output("cat /etc/resolv.conf").await, resolv);
}

pub(crate) async fn nothing_is_mounted_on_the_host(bench: Bench) {
    let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut spec = bench.script("cat /proc/self/mountinfo");
    spec.mounts = vec![
        tmpfs("/a/b"),
        bind(bench.path("image"), None, "/image", true),
    ];
    let inside = bench.succeed(spec).await;
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
    // The layers' places on the host are nobody's business inside. (A bind shows where it comes from on its file system.)
    let overlay = inside.lines().find(|line| line.contains(" / / ")).unwrap();
    assert!(
        !overlay.contains(bench.path("").to_str().unwrap()),
        "{overlay}"
    );
    assert!(Path::new(&bench.path("work")).exists());
}
