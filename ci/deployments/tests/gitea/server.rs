//! A Gitea server of this machine, for one test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::proxy::{Proxy, exchange};

/// A server with the organisation `acme`, its repository `deployments`, its team `platform`, and the people `promoter`, whose token is
/// used, and `alice`.
pub(crate) struct Gitea {
    child: Child,
    server: String,
    folder: tempfile::TempDir,
    /// With no more rights than promotions need.
    pub(crate) token: String,
    admin: String,
    pub(crate) proxy: Proxy,
}

impl Drop for Gitea {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gitea {
    /// A server whose repository has these files, or why there is none.
    pub(crate) fn start(files: &[(&str, &str)]) -> Result<Self, String> {
        let program = test_support::peers::need("gitea")?;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = format!("127.0.0.1:{port}");
        let user =
            String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        std::fs::write(dir.join("app.ini"), config(dir, port, user.trim())).unwrap();
        let gitea = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command
                .arg("--config")
                .arg(dir.join("app.ini"))
                .args(arguments)
                .env("GITEA_WORK_DIR", dir)
                .env("HOME", dir)
                .stdin(Stdio::null());
            command
        };
        let run = |arguments: &[&str]| {
            let output = gitea(arguments).output().unwrap();
            let (said, errors) = (
                String::from_utf8_lossy(&output.stdout).into_owned(),
                String::from_utf8_lossy(&output.stderr),
            );
            assert!(output.status.success(), "{said}{errors}");
            said
        };
        run(&["migrate"]);
        run(&[
            "admin",
            "user",
            "create",
            "--admin",
            "--username=promoter",
            "--email=p@example.com",
            "--random-password",
            "--must-change-password=false",
        ]);
        let token = |name: &str, scopes: &str| {
            let said = run(&[
                "admin",
                "user",
                "generate-access-token",
                "--username=promoter",
                &format!("--token-name={name}"),
                &format!("--scopes={scopes}"),
            ]);
            let is_token =
                |word: &&str| word.len() == 40 && word.bytes().all(|it| it.is_ascii_hexdigit());
            said.split_whitespace().find(is_token).unwrap().to_owned()
        };
        let (token, admin) = (
            token("promotions", "write:repository,write:issue"),
            token("admin", "all"),
        );
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let child = gitea(&["web"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let proxy = Proxy::start(&server);
        let gitea = Self {
            child,
            server,
            folder,
            token,
            admin,
            proxy,
        };
        gitea.prepare(files);
        Ok(gitea)
    }

    fn prepare(&self, files: &[(&str, &str)]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(&self.server).is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(Instant::now() < deadline, "Gitea does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        let alice =
            json!({ "username": "alice", "email": "a@example.com", "password": "correct horse" });
        self.api("POST", "/admin/users", &alice);
        self.api("POST", "/orgs", &json!({ "username": "acme" }));
        let team = json!({ "name": "platform", "permission": "write", "includes_all_repositories": true, "units": ["repo.code", "repo.pulls"] });
        let team = self.api("POST", "/orgs/acme/teams", &team);
        self.api(
            "PUT",
            &format!("/teams/{}/members/alice", team["id"]),
            &Value::Null,
        );
        self.api(
            "POST",
            "/orgs/acme/repos",
            &json!({ "name": "deployments", "default_branch": "main", "auto_init": true }),
        );
        self.api(
            "POST",
            "/repos/acme/deployments/labels",
            &json!({ "name": "promotion", "color": "#00aabb" }),
        );
        self.commit("main", files, "Start");
    }

    /// The interface, past the proxy.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("authorization", &format!("Bearer {}", self.admin)),
            header("content-type", "application/json"),
        ];
        let body = match body.is_null() {
            true => String::new(),
            false => body.to_string(),
        };
        let target = format!("/api/v1{path}");
        let answer = exchange(&self.server, method, &target, &headers, body.as_bytes());
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Merges a pull request as people do, once the server knows that it can be merged.
    pub(crate) fn merge(&self, number: u64) {
        let path = format!("/repos/acme/deployments/pulls/{number}/merge");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let (status, answer) = self.ask("POST", &path, &json!({ "Do": "merge" }));
            if status == 200 {
                return;
            }
            assert!(
                status == 405 && Instant::now() < deadline,
                "{status} {answer}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All pull requests, newest first.
    pub(crate) fn pulls(&self) -> Vec<Value> {
        let pulls = self.api(
            "GET",
            "/repos/acme/deployments/pulls?state=all&limit=50",
            &Value::Null,
        );
        let mut pulls = pulls.as_array().unwrap().clone();
        pulls.sort_by_key(|it| std::cmp::Reverse(it["number"].as_u64()));
        pulls
    }

    /// A commit by somebody else on top of a branch.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, &str)], message: &str) {
        let work = tempfile::tempdir().unwrap();
        let address = format!(
            "http://promoter:{}@{}/acme/deployments.git",
            self.token, self.server
        );
        let dir = work.path();
        git(dir, &["init", "--quiet", "--initial-branch=main"]);
        if self.head(branch).is_some() {
            git(dir, &["pull", "--quiet", &address, branch]);
        }
        for (path, content) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        git(dir, &["add", "."]);
        git(dir, &["commit", "--quiet", "-m", message]);
        git(
            dir,
            &[
                "push",
                "--quiet",
                &address,
                &format!("HEAD:refs/heads/{branch}"),
            ],
        );
    }

    /// What a command of git's prints, in the server's own repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.bare(), arguments)
    }

    pub(crate) fn head(&self, branch: &str) -> Option<String> {
        let name = "--format=%(objectname) %(refname:lstrip=2)";
        let all = self.git(&["for-each-ref", name, "refs/heads"]);
        let found = all
            .lines()
            .find_map(|line| line.split_once(' ').filter(|it| it.1 == branch));
        found.map(|(id, _)| id.to_owned())
    }

    pub(crate) fn file(&self, branch: &str, path: &str) -> String {
        self.git(&["cat-file", "blob", &format!("{branch}:{path}")])
    }

    /// A folder for a machine of its own.
    pub(crate) fn cache(&self, machine: &str) -> PathBuf {
        self.folder.path().join("caches").join(machine)
    }

    fn bare(&self) -> PathBuf {
        self.folder.path().join("repositories/acme/deployments.git")
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn config(dir: &Path, port: u16, user: &str) -> String {
    let dir = dir.display();
    format!(
        "\
RUN_USER = {user}
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = {dir}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {dir}/gitea.db
[repository]
ROOT = {dir}/repositories
[security]
INSTALL_LOCK = true
SECRET_KEY = secret
[oauth2]
ENABLED = false
[log]
MODE = console
LEVEL = Warn
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[mailer]
ENABLED = false
"
    )
}
