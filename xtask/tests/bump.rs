//! The pin moves: on a copy, to a made-up version whose archives are made up too.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Outcome, Tree, checkout};

const NEW: &str = "0.999.0";

/// A copy with what a bump reads and writes, and package clients that serve the made-up version.
struct World {
    tree: Tree,
    /// What the made-up runtime exports.
    bundle: Value,
}

impl World {
    /// The schema of the pin, edited.
    fn new(edit: impl FnOnce(&mut Value)) -> Self {
        let tree = Tree::copy();
        for name in ["README.md", "CHANGELOG.md", "Cargo.lock"] {
            fs::copy(checkout().join(name), tree.path(name)).unwrap();
        }
        let text = fs::read_to_string(checkout().join("schema/app-server.json")).unwrap();
        let mut bundle = serde_json::from_str(&text).unwrap();
        edit(&mut bundle);
        let world = Self { tree, bundle };
        world.publish();
        world
    }

    /// The runtime: a script that tells its version, and writes its schema.
    fn runtime(&self) -> String {
        let exported = self.tree.path("exported.json");
        fs::write(&exported, self.bundle.to_string()).unwrap();
        format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo codex-cli {NEW}; exit; fi\n\
             while [ \"$1\" != --out ]; do shift; done\nmkdir -p \"$2\"\n\
             cp '{}' \"$2\"/codex_app_server_protocol.schemas.json\n",
            exported.display()
        )
    }

    /// Clients: npm has the version, pip only others.
    fn publish(&self) {
        let clients = self.tree.path("clients");
        let whole = self.tree.path("package/vendor/any");
        let script = self.runtime();
        let lock = fs::read_to_string(checkout().join("schema/runtime.lock.toml")).unwrap();
        let paths = lock
            .lines()
            .filter_map(|line| line.strip_prefix("path = \""));
        for path in paths.map(|it| it.trim_end_matches('"')) {
            let file = whole.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(&clients).unwrap();
        let client = |name: &str, script: String| {
            let path = clients.join(name);
            fs::write(
                &path,
                format!(
                    "#!/bin/sh\necho {name} >> '{}'\n{script}",
                    self.tree.path("calls").display()
                ),
            )
            .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        client(
            "npm",
            format!(
                "tar czf made-up.tgz -C '{}' package\n",
                self.tree.path("").display()
            ),
        );
        let said = "ERROR: Could not find a version (from versions: 0.1.0)\\nERROR: No matching distribution found";
        client("pip", format!("printf '{said}' >&2; exit 1\n"));
    }

    fn bump(&self, arguments: &[&str]) -> Outcome {
        let path = format!("{}:/usr/bin:/bin", self.tree.path("clients").display());
        let output = Command::new(env!("CARGO_BIN_EXE_xtask-generator"))
            .args(["bump", NEW, "--root"])
            .arg(self.tree.path(""))
            .args(arguments)
            .env("PATH", path)
            .output()
            .unwrap();
        Outcome {
            success: output.status.success(),
            said: String::from_utf8(output.stdout).unwrap()
                + &String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.tree.path(path)).unwrap()
    }

    /// Every file that a bump may write, by its path.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for folder in [
            "schema",
            "generated",
            "crates",
            "README.md",
            "CHANGELOG.md",
            "Cargo.toml",
            "Cargo.lock",
        ] {
            collect(&self.tree.path(folder), folder, &mut files);
        }
        files
    }
}

fn collect(path: &Path, name: &str, files: &mut BTreeMap<String, String>) {
    if path.is_file() {
        files.insert(name.to_owned(), fs::read_to_string(path).unwrap());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        collect(
            &entry.path(),
            &format!("{name}/{}", entry.file_name().to_string_lossy()),
            files,
        );
    }
}

/// A method and an option come, a notification goes.
fn edited(bundle: &mut Value) {
    let definitions = &mut bundle["definitions"];
    definitions["v2"]["ThreadTeleportParams"] = json!({"type": "object", "required": ["threadId"], "properties": {"threadId": {"type": "string"}}});
    definitions["v2"]["ThreadTeleportResponse"] = json!({"type": "object"});
    definitions["v2"]["TurnStartParams"]["properties"]["haste"] =
        json!({"type": ["boolean", "null"]});
    definitions["ClientRequest"]["oneOf"]
        .as_array_mut()
        .unwrap()
        .push(json!({
            "type": "object", "required": ["method", "params"], "properties": {
                "method": {"type": "string", "enum": ["thread/teleport"]},
                "params": {"$ref": "#/definitions/v2/ThreadTeleportParams"},
            },
        }));
    let notifications = definitions["ServerNotification"]["oneOf"]
        .as_array_mut()
        .unwrap();
    notifications.retain(|it| it["properties"]["method"]["enum"][0] != "thread/deleted");
    definitions["v2"]
        .as_object_mut()
        .unwrap()
        .remove("ThreadDeletedNotification");
}

fn pin() -> &'static str {
    openai_codex_runtime::VERSION
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::new(edited);
    let before = world.files();
    let said = world.bump(&["--dry-run"]).succeeded();
    for part in [
        "+ thread/teleport",
        "- thread/deleted",
        "would be written:",
        "schema/runtime.lock.toml",
    ] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert_eq!(world.files(), before);
}

#[test]
fn the_pin_moves_and_what_is_left_to_decide_is_told() {
    let world = World::new(edited);
    let said = world.bump(&[]).failed_saying(&[
        "not published for uv and pip; the lock says so",
        "\"thread/teleport\" = { effect = \"changes\" }  # decide",
        "\"haste\",  # decide",
        // What the schema is silent about has to be said.
        "lacks a sentence for \"thread/teleport\"",
    ]);
    assert!(!said.contains("panicked"), "{said}");
    let lock = world.text("schema/runtime.lock.toml");
    let first = lock
        .find(&format!("[[runtime]]\nversion = {NEW:?}"))
        .unwrap();
    let second = lock
        .find(&format!("[[runtime]]\nversion = {:?}", pin()))
        .unwrap();
    assert!(first < second);
    assert!(
        lock.contains(&format!("\nversion = {NEW:?}\n# The oldest")),
        "{lock}"
    );
    let new = &lock[first..second];
    assert!(new.contains("[runtime.platform.npm]") && !new.contains("[runtime.platform.wheel]"));
    // What the pin was is kept, and what it sends stays.
    assert!(
        world
            .tree
            .path(&format!("schema/runtimes/{}/stable.json", pin()))
            .is_file()
    );
    let retired = world.text("schema/retired.json");
    assert!(
        retired.contains("\"thread/deleted\"") && retired.contains("ThreadDeletedNotification")
    );
    assert!(
        world
            .text("schema/methods.toml")
            .contains("\"thread/deleted\" = ")
    );
    let changelog = world.text("CHANGELOG.md");
    let entry = format!("## {NEW} (codex {NEW})\n\n- New methods: `thread/teleport`.");
    assert!(changelog.contains(&entry), "{changelog}");
    assert!(
        world
            .text("Cargo.toml")
            .contains(&format!("\nversion = {NEW:?}\n"))
    );
    assert!(world.text("README.md").contains("SDK 0.999.x"));

    // Run again, it goes on: nothing is proposed twice, and nothing is downloaded again.
    let calls = |name: &str| world.text("calls").lines().filter(|it| *it == name).count();
    let downloads = calls("npm");
    world.bump(&[]).failed_saying(&["lacks a sentence"]);
    assert_eq!(calls("npm"), downloads);
    assert_eq!(
        world
            .text("schema/methods.toml")
            .matches("\"thread/teleport\"")
            .count(),
        1
    );
    assert_eq!(
        world
            .text("CHANGELOG.md")
            .matches(&format!("## {NEW} "))
            .count(),
        1
    );

    // And when all is decided, it is done.
    for name in ["schema/methods.toml", "schema/options.toml"] {
        world.tree.edit(name, |text| text.replace("  # decide", ""));
    }
    world.tree.edit("schema/notes.toml", |text| {
        text.replace(
            "[methods]\n",
            "[methods]\n\"thread/teleport\" = \"Moves a thread.\"\n",
        )
    });
    world.bump(&[]).succeeded();
    world.tree.generate(&["--check"]).succeeded();
    let said = world.text("README.md");
    let counted = support::counted("client_requests");
    // One is left out, and one is new.
    assert!(said.contains(&format!("| {counted} requests, ")), "{said}");
}

#[test]
fn an_interrupted_bump_is_run_again() {
    let whole = World::new(edited);
    whole.bump(&[]);
    let done = whole.files();
    // The old export is kept, the new one is there, and the lock is still the old one.
    let world = World::new(edited);
    for name in ["app-server.json", "stable.json"] {
        for name in [
            format!("schema/{name}"),
            format!("schema/runtimes/{}/{name}", pin()),
        ] {
            let path = world.tree.path(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &done[&name]).unwrap();
        }
    }
    world.bump(&[]);
    let (is, should) = (world.files(), done);
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&is), names(&should));
    for (name, text) in &is {
        // The scripts that stand for the runtime differ in their paths, and so do their hashes.
        if !name.ends_with("runtime.lock.toml") && !name.ends_with("pin.rs") {
            assert_eq!(text, &should[name], "{name}");
        }
    }
}

#[test]
fn a_client_that_cannot_download_ends_it_before_anything_is_written() {
    let world = World::new(edited);
    let before = world.files();
    fs::write(
        world.tree.path("clients/npm"),
        "#!/bin/sh\necho 'no network' >&2; exit 1\n",
    )
    .unwrap();
    world
        .bump(&[])
        .failed_saying(&["npm could not download", "no network"]);
    assert_eq!(world.files(), before);
}

/// What a user reads first names no version but those that a bump writes, and the oldest supported one.
#[test]
fn no_readme_names_another_version_of_the_runtime() {
    let lock = fs::read_to_string(checkout().join("schema/runtime.lock.toml")).unwrap();
    let oldest = lock
        .lines()
        .find_map(|it| it.strip_prefix("oldest = "))
        .unwrap();
    let oldest = oldest.trim_matches('"');
    let minor = pin().rsplit_once('.').unwrap().0;
    let any_patch = format!("{minor}.x");
    let known = [pin(), oldest, minor, &any_patch];
    let mut readmes = vec![checkout().join("README.md")];
    let crates = fs::read_dir(checkout().join("crates")).unwrap();
    readmes.extend(
        crates
            .map(|it| it.unwrap().path().join("README.md"))
            .filter(|it| it.is_file()),
    );
    let mut seen = 0;
    for readme in readmes {
        let text = fs::read_to_string(&readme).unwrap();
        let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '.');
        for word in words.map(|it| it.trim_matches('.')) {
            let mut parts = word.split('.');
            let is_runtime = parts.next() == Some("0")
                && parts
                    .next()
                    .is_some_and(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()));
            if is_runtime {
                assert!(known.contains(&word), "{}: {word}", readme.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen}");
    assert!(
        fs::read_to_string(checkout().join("README.md"))
            .unwrap()
            .contains(oldest)
    );
}
