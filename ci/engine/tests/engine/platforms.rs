//! Programs of other platforms: run natively or by a handler of the machine, or refused before anything runs.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use ci_oci::Platform;
use ci_sandbox::binfmt;
use dagger_sdk::{
    Container, ContainerWithExecOptsBuilder, DirectoryDockerBuildOptsBuilder, Query,
    QueryContainerOptsBuilder, ReturnType,
};
use libtest_mimic::Trial;

use crate::fixture::{Fixture, TestResult, path, test};

/// What the programs here exit with.
const ANSWER: u8 = 42;

const FOREIGN: &str = "a program of another platform runs by a handler or is refused";
const FOREIGN_STEP: &str =
    "a step for another platform runs by a handler or is refused with its place";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(FOREIGN, foreign),
        test(FOREIGN_STEP, dockerfile),
        test("a handler that is registered runs both", handled),
        test("a 32-bit program of the same family runs", narrow),
        test(
            "a program that is not what its image says is told so",
            mislabelled,
        ),
    ]
}

/// A static program that exits at once, put together by hand: an ELF header, one segment, and a few instructions.
fn program(class: u8, machine: u16, code: &[u8]) -> Vec<u8> {
    let wide = class == 2;
    let start: u64 = 0x10000;
    let headers: u16 = if wide { 64 + 56 } else { 52 + 32 };
    let size = u64::from(headers) + code.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', class, 1, 1];
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, number: u16| file.extend(number.to_le_bytes());
    let word = |file: &mut Vec<u8>, number: u32| file.extend(number.to_le_bytes());
    let address = |file: &mut Vec<u8>, number: u64| {
        let bytes = number.to_le_bytes();
        file.extend(&bytes[..if wide { 8 } else { 4 }]);
    };
    half(&mut file, 2);
    half(&mut file, machine);
    word(&mut file, 1);
    address(&mut file, start + u64::from(headers));
    address(&mut file, if wide { 64 } else { 52 });
    address(&mut file, 0);
    word(&mut file, 0);
    for number in if wide {
        [64, 56, 1, 64, 0, 0]
    } else {
        [52, 32, 1, 40, 0, 0]
    } {
        half(&mut file, number);
    }
    // One segment, loaded as it is: readable and executable.
    word(&mut file, 1);
    if wide {
        word(&mut file, 5);
    }
    for number in [0, start, start, size, size] {
        address(&mut file, number);
    }
    if !wide {
        word(&mut file, 5);
    }
    address(&mut file, 0x10000);
    assert_eq!(file.len(), usize::from(headers));
    file.extend(code);
    file
}

fn arm64() -> Vec<u8> {
    // mov x0, #42; mov x8, #93 (exit); svc #0
    let code = [0xd280_0540_u32, 0xd280_0ba8, 0xd400_0001];
    program(2, 183, &code.map(u32::to_le_bytes).concat())
}

fn x86_64() -> Vec<u8> {
    // mov edi, 42; mov eax, 60 (exit); syscall
    let code = [0xbf, ANSWER, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];
    program(2, 62, &code)
}

fn i386() -> Vec<u8> {
    // mov eax, 1 (exit); mov ebx, 42; int 0x80
    let code = [0xb8, 1, 0, 0, 0, 0xbb, ANSWER, 0, 0, 0, 0xcd, 0x80];
    program(1, 3, &code)
}

/// Writes a program into the project.
fn write(fixture: &Fixture, program: &[u8]) {
    let place = fixture.project().join("answer");
    std::fs::write(&place, program).unwrap();
    std::fs::set_permissions(place, PermissionsExt::from_mode(0o755)).unwrap();
}

fn container(query: &Query, fixture: &Fixture, platform: &str) -> Container {
    let opts = QueryContainerOptsBuilder::default()
        .platform(dagger_sdk::Platform(platform.into()))
        .build()
        .unwrap();
    let files = query.host().directory(path(&fixture.project()));
    query.container_opts(opts).with_rootfs(files)
}

async fn answer(container: Container) -> Result<isize, String> {
    let any = ContainerWithExecOptsBuilder::default()
        .expect(ReturnType::Any)
        .build()
        .unwrap();
    let run = container.with_exec_opts(vec!["/answer"], any);
    run.exit_code().await.map_err(|error| format!("{error:?}"))
}

/// Whether this machine can neither run it nor has a handler for it.
fn is_foreign(architecture: &str) -> bool {
    Platform::host().architecture != architecture && binfmt::handler(architecture).is_none()
}

async fn foreign(fixture: Fixture) -> TestResult {
    write(&fixture, &arm64());
    let engine = fixture.engine().await;
    let answer = answer(container(&engine.query("test"), &fixture, "linux/arm64")).await;
    if is_foreign("arm64") {
        let error = answer.unwrap_err();
        let told = format!(
            "this step needs linux/arm64, this machine runs {} and has no handler for it",
            Platform::host()
        );
        assert!(error.contains(&told), "{error}");
    } else {
        assert_eq!(answer, Ok(ANSWER.into()));
    }
    Ok(())
}

async fn dockerfile(fixture: Fixture) -> TestResult {
    write(&fixture, &arm64());
    fixture.write(
        "Dockerfile",
        "FROM scratch\nCOPY answer /\nRUN [\"/answer\"]\n",
    );
    let engine = fixture.engine().await;
    let opts = DirectoryDockerBuildOptsBuilder::default()
        .platform(dagger_sdk::Platform("linux/arm64".into()))
        .build()?;
    let build = engine
        .query("test")
        .host()
        .directory(path(&fixture.project()))
        .docker_build_opts(opts);
    let error = format!("{:?}", build.sync().await.map(drop).unwrap_err());
    let told = if is_foreign("arm64") {
        "this step needs linux/arm64"
    } else {
        "exit code: 42"
    };
    let place = "Dockerfile:3: RUN [\"/answer\"]: ";
    let error = error.replace('\\', "");
    assert!(error.contains(&format!("{place}{told}")), "{error}");
    Ok(())
}

/// In a user namespace, which since Linux 6.7 may have handlers of its own, whatever this machine has. The handler is no emulator: it exits as
/// the program would.
async fn handled(fixture: Fixture) -> TestResult {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: the handler is a program for x86-64");
        return Ok(());
    }
    let magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
    let mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
    write(&fixture, &x86_64());
    let handler = fixture.project().join("answer");
    let entry = format!(":ci-test:M::{magic}:{mask}:{}:F", handler.display());
    let script = r#"
registrations=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc none $registrations && printf %s "$1" >$registrations/register || exit 77
shift; exec "$@""#;
    for name in [FOREIGN, FOREIGN_STEP] {
        let output = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                script,
                "sh",
                &entry,
            ])
            .arg(std::env::current_exe()?)
            .args(["--exact", name])
            .output()?;
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        // unshare itself, or the mount.
        if said.is_empty() && matches!(output.status.code(), Some(1 | 77)) {
            eprintln!("skipped: no handler can be registered: {errors}");
            return Ok(());
        }
        assert!(said.contains("1 passed"), "{said}{errors}");
    }
    Ok(())
}

async fn narrow(fixture: Fixture) -> TestResult {
    write(&fixture, &i386());
    let here = Command::new(fixture.project().join("answer")).status();
    if here.is_err() {
        eprintln!("skipped: this machine runs no 32-bit x86 programs");
        return Ok(());
    }
    let engine = fixture.engine().await;
    let answer = answer(container(&engine.query("test"), &fixture, "linux/386")).await;
    assert_eq!(answer, Ok(ANSWER.into()));
    Ok(())
}

async fn mislabelled(fixture: Fixture) -> TestResult {
    if !is_foreign("arm64") {
        eprintln!("skipped: this machine runs programs for arm64");
        return Ok(());
    }
    write(&fixture, &arm64());
    let engine = fixture.engine().await;
    let host = Platform::host().to_string();
    let error = answer(container(&engine.query("test"), &fixture, &host)).await;
    let error = error.unwrap_err();
    let told = "/answer: a program for arm64, which this machine does not run";
    assert!(error.contains(told), "{error}");
    Ok(())
}
