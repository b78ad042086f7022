//! `generate-types` on copies: nothing here writes into the checkout.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How a run of the command ended.
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) said: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert!(self.success, "{}", self.said);
        self.said
    }

    #[track_caller]
    pub(crate) fn failed_saying(self, parts: &[&str]) -> String {
        assert!(!self.success, "it succeeded: {}", self.said);
        // Windows writes paths in its own way.
        let said = self.said.replace('\\', "/");
        for part in parts {
            let part = part.replace('\\', "/");
            assert!(said.contains(&part), "no `{part}` in: {said}");
        }
        self.said
    }
}

/// Runs `cargo xtask generate-types` with these arguments.
pub(crate) fn generate(arguments: &[&str]) -> Outcome {
    run("generate-types", arguments)
}

/// Runs a command of the generator's.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask-generator"))
        .arg(command)
        .args(arguments)
        .output()
        .unwrap();
    Outcome {
        success: output.status.success(),
        said: String::from_utf8(output.stderr).unwrap()
            + &String::from_utf8(output.stdout).unwrap(),
    }
}

pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A count of the manifest's.
pub(crate) fn counted(name: &str) -> usize {
    let manifest = fs::read_to_string(checkout().join("schema/manifest.toml")).unwrap();
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} = ")));
    line.unwrap().parse().unwrap()
}

/// A copy of what generation reads and writes.
pub(crate) struct Tree(TempDir);

impl Tree {
    pub(crate) fn copy() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for path in [
            "schema",
            "generated",
            "crates/runtime/src/pin.rs",
            "Cargo.toml",
            "LICENSE",
            "NOTICE",
        ] {
            copy(&checkout().join(path), &tree.path(path));
        }
        tree
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn generate(&self, arguments: &[&str]) -> Outcome {
        let root = self.0.path().to_str().unwrap();
        generate(&[&["--root", root], arguments].concat())
    }

    /// Edits a file as text.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, edit: impl FnOnce(&str) -> String) {
        let path = self.path(path);
        let text = fs::read_to_string(&path).unwrap();
        let edited = edit(&text);
        assert_ne!(
            text,
            edited,
            "the edit of {} changed nothing",
            path.display()
        );
        fs::write(path, edited).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}

/// The pinned schema changed: another runtime's, to be generated elsewhere.
pub(crate) struct Other {
    folder: TempDir,
    pub(crate) bundle: Value,
}

impl Other {
    pub(crate) fn pinned() -> Self {
        let text = fs::read_to_string(checkout().join("schema/app-server.json")).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            bundle: serde_json::from_str(&text).unwrap(),
        }
    }

    /// A definition of the second version's, where most are.
    pub(crate) fn definition(&mut self, name: &str) -> &mut Value {
        &mut self.bundle["definitions"]["v2"][name]
    }

    /// The branches of a union of messages.
    pub(crate) fn messages(&mut self, union: &str) -> &mut Vec<Value> {
        self.bundle["definitions"][union]["oneOf"]
            .as_array_mut()
            .unwrap()
    }

    /// Adds a message whose parameters are this definition.
    pub(crate) fn add_message(&mut self, union: &str, method: &str, params: &str) {
        self.messages(union).push(json!({
            "type": "object",
            "required": ["method", "params"],
            "properties": {
                "method": {"type": "string", "enum": [method]},
                "params": {"$ref": format!("#/definitions/v2/{params}")},
            },
        }));
    }

    pub(crate) fn generate(&self, arguments: &[&str]) -> Outcome {
        let schema = self.folder.path().join("schema");
        fs::create_dir_all(&schema).unwrap();
        let bundle = schema.join("codex_app_server_protocol.schemas.json");
        fs::write(bundle, self.bundle.to_string()).unwrap();
        let out = self.folder.path().join("out");
        generate(
            &[
                &[
                    "--schema",
                    schema.to_str().unwrap(),
                    "--out",
                    out.to_str().unwrap(),
                ],
                arguments,
            ]
            .concat(),
        )
    }

    /// Runs the documentation tests of what was generated.
    #[track_caller]
    pub(crate) fn documentation_tests_pass(&self) {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--quiet", "--doc", "--manifest-path"])
            .arg(self.folder.path().join("out/Cargo.toml"))
            .arg("--target-dir")
            .arg(checkout().join("target/verify"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Runs a program that uses what was generated, and returns what it prints.
    #[track_caller]
    pub(crate) fn run_example(&self, program: &str) -> String {
        let out = self.folder.path().join("out");
        fs::create_dir_all(out.join("examples")).unwrap();
        fs::write(out.join("examples/it.rs"), program).unwrap();
        fs::copy(checkout().join("Cargo.lock"), out.join("Cargo.lock")).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--example", "it", "--manifest-path"])
            .arg(out.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(checkout().join("target/verify"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The text of everything that was generated.
    pub(crate) fn generated(&self) -> String {
        let sources = self.folder.path().join("out/src");
        let mut paths: Vec<_> = fs::read_dir(sources)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }
}
