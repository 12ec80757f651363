//! Six files that other parsers get wrong, read and lowered whole.

use std::fmt::Write as _;

use ci_dockerfile::graph::Source;
use ci_dockerfile::{Config, Op, Platform, Request, parse};

use crate::support::{lower_all, request, with_args};

/// The steps of all stages, as somebody would check them by eye.
fn outline(text: &[u8], request: &Request) -> String {
    let text = std::str::from_utf8(text).unwrap();
    let (plan, stages) =
        lower_all(text, request, &Config::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut outline = String::new();
    for stage in &stages {
        let planned = plan.stage(stage.id).unwrap();
        writeln!(outline, "{} on {:?}", planned.name, planned.base).unwrap();
        for step in &stage.steps {
            writeln!(
                outline,
                "{:>3}-{} {}",
                step.span.first_line, step.span.last_line, step.display
            )
            .unwrap();
            match &step.op {
                Op::None | Op::Workdir(_) => {}
                Op::Run(run) => writeln!(
                    outline,
                    "      {:?}{}",
                    run.argv,
                    run.mounts.iter().fold(String::new(), |all, mount| format!(
                        "{all}\n      {mount:?}"
                    ))
                )
                .unwrap(),
                Op::Copy(copy) => {
                    let sources: Vec<String> = copy.sources.iter().map(source).collect();
                    writeln!(
                        outline,
                        "      {:?}: {} -> {}",
                        copy.from,
                        sources.join(", "),
                        copy.dest
                    )
                    .unwrap();
                }
            }
        }
    }
    outline
}

fn source(source: &Source) -> String {
    match source {
        Source::Inline { name, contents } => {
            format!("<<{name} {:?}", std::str::from_utf8(contents).unwrap())
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn another_escape_character_comments_and_empty_lines_in_continuations() {
    let text = include_bytes!("fixtures/1-escape.Dockerfile");
    assert_eq!(
        parse("1", text).unwrap().syntax.unwrap().value,
        "docker/dockerfile:1.7-labs"
    );
    insta::assert_snapshot!(outline(text, &request()), @r#"
    win on Scratch
      7-7 SHELL ["sh", "-c"]
      8-13 RUN one     && two C:\dir\     && three
          ["sh", "-c", "one     && two C:\\dir\\     && three"]
     14-14 ENV A=a` b B="x`"y"
     15-15 COPY dir\file C:\dest\
          Context: Path("/dir\\file") -> /C:\dest\
    "#);
}

#[test]
fn arguments_before_from_and_stages_that_are_not_needed() {
    let text = include_bytes!("fixtures/2-args.Dockerfile");
    insta::assert_snapshot!(outline(text, &request()), @r#"
    base on Image { reference: "docker.io/library/alpine:3.20", platform: Platform { os: "linux", arch: "amd64", variant: None } }
      5-5 ARG VERSION
      6-6 ARG NAME=app-${VERSION} LABEL
      7-7 ENV V=${VERSION:-none} W=${MISSING:+x}y
    build on Stage(StageId(0))
     10-10 RUN echo "app-3.20.1 3.20.1"
          ["/bin/sh", "-c", "echo \"$NAME $V\""]
    stage-3 on Scratch
     16-16 ARG TARGETARCH
     17-17 COPY --from=build /out /bin/amd64
          Stage(StageId(1)): Path("/out") -> /bin/amd64
     18-18 COPY --from=0 /etc/os-release /
          Stage(StageId(0)): Path("/etc/os-release") -> /
    "#);
    let request = Request {
        target_platform: Platform::new("linux", "arm64", None),
        ..with_args(&[("SUFFIX", "slim"), ("NAME", "x")])
    };
    insta::assert_snapshot!(outline(text, &request), @r#"
    base on Image { reference: "docker.io/library/alpine:3.20-slim", platform: Platform { os: "linux", arch: "amd64", variant: None } }
      5-5 ARG VERSION
      6-6 ARG NAME=app-${VERSION} LABEL
      7-7 ENV V=${VERSION:-none} W=${MISSING:+x}y
    build on Stage(StageId(0))
     10-10 RUN echo "x 3.20.1"
          ["/bin/sh", "-c", "echo \"$NAME $V\""]
    stage-3 on Image { reference: "slim", platform: Platform { os: "linux", arch: "arm64", variant: None } }
     16-16 ARG TARGETARCH
     17-17 COPY --from=build /out /bin/arm64
          Stage(StageId(1)): Path("/out") -> /bin/arm64
     18-18 COPY --from=0 /etc/os-release /
          Stage(StageId(0)): Path("/etc/os-release") -> /
    "#);
}

#[test]
fn heredocs_in_all_places() {
    insta::assert_snapshot!(outline(include_bytes!("fixtures/3-heredocs.Dockerfile"), &request()), @r#"
    a on Image { reference: "debian", platform: Platform { os: "linux", arch: "amd64", variant: None } }
      2-5 RUN <<EOT (set -e...)
          ["/bin/sh", "-c", "set -e\necho one\n"]
      6-8 RUN <<-'EOT' sh -x
          ["/bin/sh", "-c", "<<-'EOT' sh -x\n\techo \"$HOME\"\nEOT"]
      9-13 RUN cat <<A > /a && cat <<B > /b
          ["/bin/sh", "-c", "cat <<A > /a && cat <<B > /b\nfirst\nA\nsecond\nB"]
     14-16 RUN python3 <<PY
          ["/bin/sh", "-c", "python3 <<PY\nprint(1 << 3)\nPY"]
     17-17 RUN echo $((1<<3)) "<<NOT" '<<NEITHER' a<<b
          ["/bin/sh", "-c", "echo $((1<<3)) \"<<NOT\" '<<NEITHER' a<<b"]
     18-21 RUN <<SCRIPT (#!/usr/bin/env python3...)
          ["/bin/sh", "-c", "/dev/pipes/SCRIPT"]
     22-26 COPY <<one.txt <<two.txt --not-a-flag /dest/
          Context: Path("/--not-a-flag"), <<one.txt " is unset\n", <<two.txt "$HOME stays\n" -> /dest/
     27-29 COPY <<-EOT /tabs
          Context: <<EOT "deep\n" -> /tabs
     30-32 ONBUILD RUN <<EOT
    "#);
}

#[test]
fn mounts_flags_and_broken_json() {
    insta::assert_snapshot!(outline(include_bytes!("fixtures/4-run.Dockerfile"), &request()), @r#"
    tools on Image { reference: "debian", platform: Platform { os: "linux", arch: "amd64", variant: None } }
    stage-1 on Image { reference: "debian", platform: Platform { os: "linux", arch: "amd64", variant: None } }
      3-3 WORKDIR /src
      4-10 RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked     --mount=type=bind,from=tools,source=/usr/bin,target=tools,rw     --mount=type=tmpfs,target=/tmp,size=64m     --mount=type=secret,id=npm,required,mode=0440,uid=10     --mount=type=ssh     --network=none --security=sandbox     make --jobs=2
          ["/bin/sh", "-c", "make --jobs=2"]
          Cache(Cache { target: "/var/cache/apt", id: "apt", sharing: Locked, from: Scratch, source: "/", uid: 0, gid: 0, mode: 493, read_only: false })
          Bind(Bind { target: "/src/tools", from: Stage(StageId(0)), source: "/usr/bin", read_only: false })
          Tmpfs { target: "/tmp", size: Some(67108864) }
          Secret(Secret { id: "npm", target: Some("/run/secrets/npm"), env: None, required: true, uid: 10, gid: 0, mode: 288 })
          Ssh(Ssh { id: "default", target: "/run/buildkit/ssh_agent.0", required: false, uid: 0, gid: 0, mode: 384 })
     11-11 RUN ["/bin/echo", "a b", "$HOME"]
          ["/bin/echo", "a b", "$HOME"]
     12-12 RUN ["unterminated", "json"
          ["/bin/sh", "-c", "[\"unterminated\", \"json\""]
     13-13 RUN [ -f x ] && echo yes
          ["/bin/sh", "-c", "[ -f x ] && echo yes"]
     14-14 RUN --mount=type=secret,id=token,env=TOKEN echo "$TOKEN"
          ["/bin/sh", "-c", "echo \"$TOKEN\""]
          Secret(Secret { id: "token", target: None, env: Some("TOKEN"), required: false, uid: 0, gid: 0, mode: 256 })
    "#);
}

#[test]
fn sources_of_copy_and_add() {
    insta::assert_snapshot!(outline(include_bytes!("fixtures/5-copy.Dockerfile"), &request()), @r#"
    stage-0 on Scratch
      2-2 WORKDIR /app
      3-3 COPY --chown=10:20 --chmod=u=rwX,go=rX --link src/*.rs lib?/ ./
          Context: Path("/src/*.rs"), Path("/lib?") -> /app/
      4-4 COPY --parents --exclude=*.tmp --exclude=**/.git packages/./*/package.json /out/
          Context: Parents { root: "/packages", pattern: "*/package.json", required: false } -> /out/
      5-5 COPY [with space.txt, and "quote", dest dir/]
          Context: Path("/with space.txt"), Path("/and quote") -> /app/dest dir/
      6-6 COPY a b.txt /escaped
          Context: Path("/a"), Path("/b.txt") -> /escaped
      7-7 ADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/dir/file.tar.gz?x=1 /dl/
          Context: Url { url: "https://example.com/dir/file.tar.gz?x=1", name: "file.tar.gz", unpack: false, checksum: Some("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") } -> /dl/
      8-8 ADD --keep-git-dir=true https://example.com/repo.git#v1.2:sub/dir /git
          Context: Git(Git { remote: "https://example.com/repo.git", reference: Some("v1.2"), subdir: Some("sub/dir"), checksum: None, keep_git_dir: Some(true), submodules: true }) -> /git
      9-9 ADD git@example.com:org/repo.git#main /git2/
          Context: Git(Git { remote: "git@example.com:org/repo.git", reference: Some("main"), subdir: None, checksum: None, keep_git_dir: None, submodules: true }) -> /git2/
     10-10 ADD --chown=app archive.tar.gz /
          Context: Path("/archive.tar.gz") -> /
     11-11 ADD --unpack=false archive.tar.gz /archive/
          Context: Path("/archive.tar.gz") -> /archive/
    "#);
}

#[test]
fn byte_order_mark_windows_lines_and_lower_case() {
    let text = include_bytes!("fixtures/6-crlf.Dockerfile");
    assert!(
        text.starts_with(b"\xef\xbb\xbf") && text.contains(&b'\r') && text.ends_with(b"\\"),
        "the file is kept as it is"
    );
    insta::assert_snapshot!(outline(text, &request()), @r#"
    build on Image { reference: "debian:12", platform: Platform { os: "linux", arch: "amd64", variant: None } }
      2-2 LABEL a=1 "b c"="d e" f='g $h'
      3-3 ENV legacy some  value
      4-4 ENV X="a\"b" Y=a\ b Z=
      5-6 HEALTHCHECK --interval=1m30s --retries=3   cmd curl -f http://localhost/ || exit 1
      7-7 ONBUILD copy . /app
      8-8 MAINTAINER Somebody <s@example.com>
      9-9 EXPOSE 80 8000-8002/udp
     10-10 VOLUME /data /logs
     11-11 VOLUME ["/json path"]
     12-12 STOPSIGNAL SIGQUIT
     13-13 USER app:staff
     14-14 SHELL ["/bin/bash", "-c"]
     15-17 RUN <<EOF (line one)
          ["/bin/bash", "-c", "line one\r\n"]
     18-18 CMD echo done
    "#);
    let (_, mut stages) = lower_all(
        std::str::from_utf8(text).unwrap(),
        &request(),
        &Config::default(),
    )
    .unwrap();
    insta::assert_debug_snapshot!(stages.remove(0).config, @r#"
    Config {
        env: [
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            (
                "legacy",
                "some  value",
            ),
            (
                "X",
                "a\"b",
            ),
            (
                "Y",
                "a b",
            ),
            (
                "Z",
                "",
            ),
        ],
        entrypoint: None,
        cmd: Some(
            [
                "/bin/bash",
                "-c",
                "echo done",
            ],
        ),
        args_escaped: true,
        user: "app:staff",
        working_dir: "",
        labels: {
            "a": "1",
            "b c": "d e",
            "f": "g $h",
        },
        exposed_ports: {
            "80/tcp",
            "8000/udp",
            "8001/udp",
            "8002/udp",
        },
        volumes: {
            "/data",
            "/json path",
            "/logs",
        },
        stop_signal: Some(
            "SIGQUIT",
        ),
        shell: Some(
            [
                "/bin/bash",
                "-c",
            ],
        ),
        healthcheck: Some(
            Healthcheck {
                test: [
                    "CMD-SHELL",
                    "curl -f http://localhost/ || exit 1",
                ],
                interval: 90000000000,
                timeout: 0,
                start_period: 0,
                start_interval: 0,
                retries: 3,
            },
        ),
        onbuild: [
            "copy . /app",
        ],
        author: Some(
            "Somebody <s@example.com>",
        ),
    }
    "#);
}
