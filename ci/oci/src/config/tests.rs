//! Configs as programs in the field write them.

use proptest::prelude::*;

use super::*;

/// As Docker writes it: members of its own, and `null` for what is empty.
const DOCKER: &str = r#"{
    "architecture": "arm64", "variant": "v8", "os": "linux", "os.version": "1.2", "docker_version": "20.10", "container": "abc",
    "config": {
        "Hostname": "h", "User": "app", "AttachStdin": false, "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
        "Env": ["PATH=/bin", "A=1"], "Cmd": null, "Image": "", "Volumes": null, "WorkingDir": "/srv", "Entrypoint": ["/app"],
        "OnBuild": null, "Labels": {"b": "2", "a": "1"}, "StopSignal": "SIGQUIT", "Shell": ["/bin/bash", "-c"], "ArgsEscaped": true,
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5000000000, "Retries": 3}
    },
    "created": "2024-01-02T03:04:05.678Z",
    "history": [{"created_by": "FROM scratch", "empty_layer": true}, {"created": "2024-01-02T03:04:05Z", "created_by": "COPY"}],
    "rootfs": {"type": "layers", "diff_ids": ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}
}"#;

#[test]
fn nothing_of_a_docker_config_is_lost() {
    let config = ImageConfig::parse(DOCKER.as_bytes()).unwrap();
    let json = config.to_json().unwrap();
    insta::assert_snapshot!(String::from_utf8(json.clone()).unwrap(), @r#"{"created":"2024-01-02T03:04:05.678Z","architecture":"arm64","variant":"v8","os":"linux","config":{"User":"app","ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["PATH=/bin","A=1"],"Entrypoint":["/app"],"WorkingDir":"/srv","Labels":{"a":"1","b":"2"},"StopSignal":"SIGQUIT","ArgsEscaped":true,"Healthcheck":{"Test":["CMD","true"],"Interval":5000000000,"Retries":3},"Shell":["/bin/bash","-c"],"AttachStdin":false,"Hostname":"h","Image":""},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},"history":[{"created_by":"FROM scratch","empty_layer":true},{"created":"2024-01-02T03:04:05Z","created_by":"COPY"}],"container":"abc","docker_version":"20.10","os.version":"1.2"}"#);
    assert_eq!(ImageConfig::parse(&json).unwrap(), config);
    assert_eq!(config.platform().to_string(), "linux/arm64");
}

#[test]
fn the_smallest_config_is_written_without_empty_members() {
    let config = ImageConfig::new(&Platform::new("linux", "amd64", None));
    insta::assert_snapshot!(String::from_utf8(config.to_json().unwrap()).unwrap(), @r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#);
}

#[test]
fn an_empty_command_is_not_the_same_as_none() {
    let mut config = ImageConfig::new(&Platform::new("linux", "amd64", None));
    config.config.cmd = Some(Vec::new());
    let json = config.to_json().unwrap();
    assert!(String::from_utf8_lossy(&json).contains(r#""Cmd":[]"#));
    assert_eq!(ImageConfig::parse(&json).unwrap(), config);
}

#[test]
fn members_nobody_knows_are_sorted_to_their_depth() {
    let text = DOCKER.replace(r#""abc""#, r#"{"z": [{"b": 1, "a": 2}], "y": null}"#);
    let json = ImageConfig::parse(text.as_bytes())
        .unwrap()
        .to_json()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&json).contains(r#""container":{"y":null,"z":[{"a":2,"b":1}]}"#)
    );
}

#[test]
fn what_is_no_config_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"os":"linux","architecture":"amd64"}"#,
        &DOCKER.replace("sha256:", "md5:"),
        &DOCKER.replace(r#""Env": ["#, r#""Env": [1, "#),
    ] {
        assert!(
            matches!(
                ImageConfig::parse(text.as_bytes()),
                Err(ConfigError::Malformed(_))
            ),
            "{text}"
        );
    }
    let error = ImageConfig::parse(
        DOCKER
            .replace(r#""type": "layers""#, r#""type": "vhd""#)
            .as_bytes(),
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @r#"the image's root file system is of type "vhd"; only "layers" is known"#);
    assert!(matches!(
        ImageConfig::parse(&vec![b' '; (4 << 20) + 1]),
        Err(ConfigError::TooLarge)
    ));
}

proptest! {
    #[test]
    fn no_damage_panics(at in any::<usize>(), byte in any::<u8>()) {
        let mut content = DOCKER.as_bytes().to_vec();
        let at = at % content.len();
        content[at] = byte;
        if let Ok(config) = ImageConfig::parse(&content) {
            let json = config.to_json().unwrap();
            prop_assert_eq!(ImageConfig::parse(&json).unwrap(), config);
        }
    }
}
