//! What is in a fingerprint, and that nothing else is.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::tests::{files, load};

fn inputs() -> Inputs {
    Inputs {
        profile: "v1".to_owned(),
        platforms: BTreeSet::from(["linux/amd64".to_owned()]),
        builder: BuilderInputs::Dockerfile(DockerfileInputs {
            dockerfile: "FROM debian:12\n".to_owned(),
            target: Some("app".to_owned()),
            context: "sha256:aa".to_owned(),
            arguments: BTreeMap::from([("VERSION".to_owned(), "1".to_owned())]),
            bases: BTreeMap::from([(
                "docker.io/library/debian:12".to_owned(),
                "sha256:bb".to_owned(),
            )]),
            contexts: BTreeMap::from([
                (
                    "base".to_owned(),
                    ContextInput::Service(Fingerprint([7; 32])),
                ),
                (
                    "assets".to_owned(),
                    ContextInput::Content("sha256:cc".to_owned()),
                ),
            ]),
            secrets: BTreeSet::from(["npm".to_owned()]),
        }),
        env: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
        labels: BTreeMap::from([("b".to_owned(), "2".to_owned())]),
        ports: vec![80],
        cmd: vec!["serve".to_owned()],
    }
}

fn dockerfile(change: impl FnOnce(&mut DockerfileInputs)) -> Inputs {
    let mut inputs = inputs();
    let BuilderInputs::Dockerfile(builder) = &mut inputs.builder else {
        panic!("another builder")
    };
    change(builder);
    inputs
}

fn changed(change: impl FnOnce(&mut Inputs)) -> Inputs {
    let mut inputs = inputs();
    change(&mut inputs);
    inputs
}

/// If this changes, [`VERSION`] has to: others compare fingerprints with those that registries have.
#[test]
fn the_form_of_version_1_stays() {
    assert_snapshot!(inputs().description(), @r#"{"profile":"v1","platforms":["linux/amd64"],"builder":{"kind":"dockerfile","dockerfile":"sha256:89c354c6a7d7d29fd6b01d527cdc9832aae244b1727da1521ad792cd69ee2be5","target":"app","context":"sha256:aa","arguments":{"VERSION":"1"},"bases":{"docker.io/library/debian:12":"sha256:bb"},"contexts":{"assets":{"content":"sha256:cc"},"base":{"service":"0707070707070707070707070707070707070707070707070707070707070707"}},"secrets":["npm"]},"env":{"A":"1"},"labels":{"b":"2"},"ports":[80],"cmd":["serve"]}"#);
    assert_snapshot!(inputs().fingerprint(), @"652e087e298bb34066a23c1581db6c729c39a1adef689e868c4ad4e12543eb45");
}

#[test]
fn every_input_counts_and_is_named_when_it_differs() {
    let text = str::to_owned;
    let cases = [
        changed(|it| it.profile = text("v2")),
        changed(|it| it.platforms = BTreeSet::from([text("linux/arm64")])),
        changed(|it| it.builder = BuilderInputs::Cargo(CargoInputs::default())),
        changed(|it| *it.env.get_mut("A").unwrap() = text("2")),
        changed(|it| it.labels.clear()),
        changed(|it| it.ports.push(81)),
        changed(|it| it.cmd.clear()),
        dockerfile(|it| it.dockerfile.push('#')),
        dockerfile(|it| it.target = None),
        dockerfile(|it| it.context = text("sha256:ab")),
        dockerfile(|it| drop(it.arguments.insert(text("NEW"), text("")))),
        dockerfile(|it| {
            *it.bases.get_mut("docker.io/library/debian:12").unwrap() = text("sha256:bc")
        }),
        dockerfile(|it| {
            drop(
                it.contexts
                    .insert(text("base"), ContextInput::Service(Fingerprint([8; 32]))),
            )
        }),
        dockerfile(|it| {
            drop(
                it.contexts
                    .insert(text("assets"), ContextInput::Service(Fingerprint([8; 32]))),
            )
        }),
        dockerfile(|it| it.secrets.clear()),
    ];
    let all: BTreeSet<Fingerprint> = cases.iter().map(Inputs::fingerprint).collect();
    assert_eq!(all.len(), cases.len());
    assert!(!all.contains(&inputs().fingerprint()));
    let names: Vec<String> = cases
        .iter()
        .map(|it| it.differences(&inputs()).join(" "))
        .collect();
    assert_snapshot!(names.join("\n"), @r"
    profile
    platforms
    builder.arguments builder.bases builder.context builder.contexts builder.dockerfile builder.kind builder.secrets builder.settings builder.sources builder.target builder.toolchain
    env.A
    labels.b
    ports
    cmd
    builder.dockerfile
    builder.target
    builder.context
    builder.arguments.NEW
    builder.bases.docker.io/library/debian:12
    builder.contexts.base.service
    builder.contexts.assets.content builder.contexts.assets.service
    builder.secrets
    ");
    assert_eq!(inputs().differences(&inputs()), [""; 0]);
}

/// S1: neither in the description nor, through a difference of two fingerprints, anywhere else.
#[test]
fn of_secrets_only_the_ids_count() {
    let text = "builder = \"dockerfile\"\n[dockerfile.secrets]\nnpm = \"env:NPM_TOKEN\"\n";
    let catalog = load(&files(&[("web", text)]));
    let other = load(&files(&[(
        "web",
        &text.replace("env:NPM_TOKEN", "file:token"),
    )]));
    let of = |catalog: &crate::Catalog| {
        let service = catalog.service("web").unwrap();
        Inputs::of(service, "v1", &[], &Variables::new()).unwrap()
    };
    assert_eq!(of(&catalog).fingerprint(), of(&other).fingerprint());
    assert!(!of(&catalog).description().contains("TOKEN"));
}

#[test]
fn the_catalog_s_part_is_filled_in_with_values() {
    let text = "builder = \"dockerfile\"\n[dockerfile]\ntarget = \"app\"\nargs = { SHA = \"{sha}\" }\n[image]\nenv = { A = \"{env}\" }\nlabels = { l = \"{service}\" }\nports = [80]\ncmd = [\"serve\"]\n";
    let catalog = load(&files(&[("web", text)]));
    let service = catalog.service("web").unwrap();
    let variables = Variables::new()
        .with_commit("abc1234")
        .with(crate::Placeholder::Env, "preview")
        .with(crate::Placeholder::Service, "web");
    let platforms = ["linux/arm64", "linux/amd64"].map(|it| it.parse().unwrap());
    let inputs = Inputs::of(service, "v1", &platforms, &variables).unwrap();
    assert_snapshot!(inputs.description(), @r#"{"profile":"v1","platforms":["linux/amd64","linux/arm64"],"builder":{"kind":"dockerfile","dockerfile":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","target":"app","context":"","arguments":{"SHA":"abc1234"},"bases":{},"contexts":{},"secrets":[]},"env":{"A":"preview"},"labels":{"l":"web"},"ports":[80],"cmd":["serve"]}"#);
    let missing = Inputs::of(service, "v1", &platforms, &Variables::new());
    assert!(matches!(missing, Err(RenderError::Missing(_))));
}

#[test]
fn the_settings_of_cargo_count() {
    let of = |settings: &str| {
        let text = format!("builder = \"cargo\"\n[cargo]\n{settings}\n");
        let catalog = load(&files(&[("web", &text)]));
        let service = catalog.service("web").unwrap();
        Inputs::of(service, "v1", &[], &Variables::new()).unwrap()
    };
    assert_snapshot!(of("").description(), @r#"{"profile":"v1","platforms":[],"builder":{"kind":"cargo","sources":"","toolchain":"","certificates":null,"settings":{"certificates":"false","default-features":"true","features":"","linkage":"auto","manifest":"services/web/Cargo.toml","profile":"release","user":"65532:65532"}},"env":{},"labels":{},"ports":[],"cmd":[]}"#);
    let all = [
        "",
        "package = \"a\"",
        "bin = \"a\"",
        "profile = \"dev\"",
        "features = [\"a\"]",
        "features = [\"a-b\"]",
        "default-features = false",
        "linkage = \"static\"",
        "certificates = true",
        "user = \"1:1\"",
    ]
    .map(|settings| of(settings).fingerprint());
    assert_eq!(BTreeSet::from(all).len(), all.len());
    assert_eq!(
        of("features = [\"a\", \"b\"]").fingerprint(),
        of("features = [\"b\", \"a\"]").fingerprint()
    );
}

#[test]
fn fingerprints_print_and_parse() {
    let fingerprint = inputs().fingerprint();
    assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    assert!(fingerprint.to_string().starts_with(&fingerprint.short()));
    assert_eq!(fingerprint.short().len(), 32);
    let upper = fingerprint.to_string().to_uppercase();
    for wrong in ["", "00", "../..", upper.as_str()] {
        assert_eq!(wrong.parse::<Fingerprint>(), Err(InvalidFingerprint));
    }
}

proptest! {
    /// No two arguments can be written so that together they look like other two.
    #[test]
    fn names_and_values_do_not_run_into_each_other(
        a in prop::collection::btree_map("[\"{}:,\\\\a]{0,4}", "[\"{}:,\\\\a]{0,4}", 0..3),
        b in prop::collection::btree_map("[\"{}:,\\\\a]{0,4}", "[\"{}:,\\\\a]{0,4}", 0..3),
    ) {
        let of = |arguments: &BTreeMap<String, String>| {
            dockerfile(|it| it.arguments = arguments.clone()).fingerprint()
        };
        prop_assert_eq!(of(&a) == of(&b), a == b);
    }
}
