//! Bills of materials: valid to the validators of both formats, and, of what package managers really installed, the same list as theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use libtest_mimic::{Completion, Trial};
use serde_json::Value;
use test_support::peers::need;

use crate::product::{Project, copy, samples};
use crate::tools::{attempt, run};
use crate::work;

/// Says whether CycloneDX documents are valid, strictly.
const CYCLONEDX: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for path in sys.argv[1:]:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(path).read())
    if error: sys.exit(f'{path}: {error}')
";

/// A test, or why it is not possible here.
type Test = fn() -> Result<(), String>;

pub(crate) fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 6] = [
        ("the_crates_golden_documents_are_valid", golden),
        ("documents_of_the_samples_are_valid", of_samples),
        ("what_is_broken_is_not_valid", broken),
        ("packages_of_debian_are_those_dpkg_lists", debian),
        ("modules_of_go_are_those_go_lists", go),
        (
            "packages_of_python_and_npm_are_those_pip_and_npm_list",
            languages,
        ),
    ];
    let test = |(name, body): (&str, Test)| {
        Trial::ignorable_test(format!("bills::{name}"), move || match body() {
            Ok(()) => Ok(Completion::Completed),
            Err(why) => Ok(Completion::ignored_with(why)),
        })
    };
    tests.into_iter().map(test).collect()
}

/// What validators say of all documents in a folder: nothing, or why not.
fn validated(folder: &Path) -> Result<Result<(), String>, String> {
    let python = need("python/bin/python")?;
    let spdx = need("python/bin/pyspdxtools")?;
    let mut cyclonedx = vec!["-c".to_owned(), CYCLONEDX.to_owned()];
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().to_str().unwrap().to_owned();
        if path.ends_with(".cdx.json") {
            cyclonedx.push(path);
        } else if path.ends_with(".spdx.json") {
            count += 1;
            let (status, out, err) = attempt(spdx.to_str().unwrap(), ["-i", &path]);
            if status != 0 {
                return Ok(Err(format!("{out}{err}")));
            }
        }
    }
    assert!(count > 0 && cyclonedx.len() == count + 2);
    let (status, out, err) = attempt(python.to_str().unwrap(), &cyclonedx);
    Ok(if status == 0 {
        Ok(())
    } else {
        Err(format!("{out}{err}"))
    })
}

fn golden() -> Result<(), String> {
    validated(&work::repository().join("ci/sbom/tests/golden"))?.unwrap();
    Ok(())
}

/// The documents of everything that was built in a project, in both formats.
#[track_caller]
fn documents(project: &Project) -> std::path::PathBuf {
    let folder = work::folder("bills");
    for format in ["spdx", "cyclonedx"] {
        let folder = folder.to_str().unwrap();
        project.run(&["sbom", "--format", format, "--output-dir", folder]);
    }
    folder
}

fn of_samples() -> Result<(), String> {
    validated(&documents(samples()))?.unwrap();
    Ok(())
}

/// The validators do find something.
fn broken() -> Result<(), String> {
    let golden = work::repository().join("ci/sbom/tests/golden");
    for (file, from, to) in [
        (
            "sample.spdx.json",
            "LicenseRef-Odd\",\n      \"name",
            "LicenseRef-Even\",\n      \"name",
        ),
        (
            "sample.cdx.json",
            "\"alg\": \"SHA-256\"",
            "\"alg\": \"SHA-257\"",
        ),
    ] {
        let folder = work::folder("broken");
        for entry in fs::read_dir(&golden).unwrap() {
            copy(&entry.unwrap().path(), &folder);
        }
        let document = fs::read_to_string(folder.join(file)).unwrap();
        let changed = document.replace(from, to);
        assert_ne!(document, changed);
        fs::write(folder.join(file), changed).unwrap();
        assert!(validated(&folder)?.is_err(), "{file}");
    }
    Ok(())
}

/// The bill of an image of these files and folders of this machine, at the same places; its documents are valid.
fn bill(files: &[&Path]) -> Result<Vec<Value>, String> {
    let project = Project::new("bill");
    let service = project.dir.join("services/app");
    fs::create_dir(&service).unwrap();
    fs::write(service.join("service.toml"), "builder = \"dockerfile\"\n").unwrap();
    fs::write(service.join("Dockerfile"), "FROM scratch\nCOPY root/ /\n").unwrap();
    for file in files {
        let parent = file.parent().unwrap();
        let into = service.join("root").join(parent.strip_prefix("/").unwrap());
        fs::create_dir_all(&into).unwrap();
        copy(file, &into);
    }
    project.run(&["build"]);
    let folder = documents(&project);
    validated(&folder)?.unwrap();
    let mut written = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path());
    let document = written.find(|it| it.to_str().unwrap().ends_with(".cdx.json"));
    let document = document.unwrap();
    let document: Value = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    let is_complete = document["compositions"].is_null();
    assert!(is_complete, "something was not read, which warnings tell");
    Ok(document["components"].as_array().unwrap().clone())
}

/// Name and version of the components whose purls begin so.
fn named(components: &[Value], purl: &str) -> BTreeSet<String> {
    let ours = components
        .iter()
        .filter(|it| it["purl"].as_str().is_some_and(|it| it.starts_with(purl)));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    ours.map(|it| format!("{} {}", text(&it["name"]), text(&it["version"])))
        .collect()
}

fn debian() -> Result<(), String> {
    let status = Path::new("/var/lib/dpkg/status");
    if !status.exists() {
        return Err("this is no Debian".to_owned());
    }
    let components = bill(&[
        status,
        Path::new("/usr/share/doc"),
        Path::new("/usr/lib/os-release"),
    ])?;
    let listed = run(
        "dpkg-query",
        ["-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"],
    );
    let listed: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect();
    assert!(listed.len() > 50);
    assert_eq!(named(&components, "pkg:deb/debian/"), listed);
    // Debian writes most licences so that programs can read them.
    let licensed = components
        .iter()
        .filter(|it| it["licenses"].is_array())
        .count();
    assert!(
        licensed * 3 > listed.len(),
        "{licensed} of {}",
        listed.len()
    );
    Ok(())
}

fn go() -> Result<(), String> {
    let program = need("buildctl")?;
    if attempt("go", ["version"]).0 != 0 {
        return Err("Go is not installed".to_owned());
    }
    let program = program.canonicalize().unwrap();
    let components = bill(&[&program])?;
    let listed = run("go", ["version", "-m", program.to_str().unwrap()]);
    let mut modules = BTreeSet::new();
    for line in listed.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["dep" | "mod", path, version, ..] => {
                modules.insert(format!("{path} {version}").replace("(devel)", "-"))
            }
            [_, version] if line.starts_with('/') => {
                modules.insert(format!("stdlib {}", version.trim_start_matches("go")))
            }
            _ => false,
        };
    }
    assert!(modules.len() > 20);
    assert_eq!(named(&components, "pkg:golang/"), modules);
    Ok(())
}

fn languages() -> Result<(), String> {
    let pip = need("python/bin/pip")?;
    let lock = need("javascript/package-lock.json")?;
    let python = pip
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .canonicalize()
        .unwrap();
    let javascript = lock.parent().unwrap().canonicalize().unwrap();
    let components = bill(&[&python, &javascript])?;

    let listed = run(
        pip.to_str().unwrap(),
        ["list", "--format", "json", "--disable-pip-version-check"],
    );
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let names = |it: &Value| {
        format!(
            "{} {}",
            it["name"].as_str().unwrap(),
            it["version"].as_str().unwrap()
        )
    };
    let normal = |it: String| it.to_lowercase().replace(['_', '.'], "-");
    let listed: BTreeSet<String> = listed.iter().map(names).map(normal).collect();
    let ours: BTreeSet<String> = named(&components, "pkg:pypi/")
        .into_iter()
        .map(normal)
        .collect();
    // pip lists what it imports first; setuptools brings packages of its own along.
    let missing: Vec<_> = listed.difference(&ours).collect();
    assert!(missing.is_empty() && listed.len() > 20, "{missing:?}");

    let prefix = javascript.to_str().unwrap();
    let listed = run(
        "npm",
        ["ls", "--all", "--parseable", "--long", "--prefix", prefix],
    );
    let listed: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.split(':').nth(1)?.rsplit_once('@'))
        .filter(|(_, version)| !version.is_empty())
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    assert!(!listed.is_empty());
    assert_eq!(named(&components, "pkg:npm/"), listed);
    let checksums = components
        .iter()
        .filter(|it| it["hashes"][0]["alg"] == "SHA-512");
    assert_eq!(checksums.count(), listed.len());
    Ok(())
}
