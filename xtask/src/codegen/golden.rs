//! What small schemas give, one for each shape and pass: a crate that must compile, read in review.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::notes::Notes;
use super::{Input, generate};
use crate::history::History;
use crate::manifest::Manifest;
use crate::methods_file::MethodsFile;
use crate::output::{self, Mode};
use crate::root;
use crate::schema::stable::Stable;

const COMMAND: &str = "BLESS=1 cargo test -p xtask golden";

/// The files of the case `messages` that are not about types, with their names here.
const OF_MESSAGES: &[(&str, &str)] = &[
    ("blocking_methods.rs", "blocking_methods.rs"),
    ("messages.rs", "message_enums.rs"),
    ("methods.rs", "methods.rs"),
    ("notifications.rs", "notifications.rs"),
    ("protocol.rs", "protocol.rs"),
];

fn generated(schema: &Path) -> BTreeMap<String, String> {
    let bundle = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let output = generate(Input {
        bundle,
        stable: &Stable::default(),
        manifest: &Manifest::default(),
        notes: &Notes::default(),
        methods: &MethodsFile::default(),
        methods_fit: false,
        history: &History::default(),
        runtime_version: "0.0.0",
        oldest_runtime: "0.0.0",
        pinned: false,
        lenient_fixups: true,
    });
    output
        .unwrap_or_else(|error| panic!("{}: {error:#}", schema.display()))
        .files
}

#[test]
fn small_schemas_give_what_was_reviewed() {
    let golden = root().join("xtask/golden");
    let mode = if std::env::var_os("BLESS").is_some() {
        Mode::Write
    } else {
        Mode::Check
    };
    let mut cases = 0;
    for entry in fs::read_dir(golden.join("schema")).unwrap() {
        let schema = entry.unwrap().path();
        let name = schema.file_stem().unwrap().to_str().unwrap();
        let files = generated(&schema);
        let mut wanted = vec![("server.rs", format!("{name}.rs"))];
        if name == "messages" {
            wanted.extend(
                OF_MESSAGES
                    .iter()
                    .map(|(from, to)| (*from, (*to).to_owned())),
            );
        }
        for (from, to) in wanted {
            output::file(&golden.join("src").join(to), &files[from], mode, COMMAND).unwrap();
        }
        cases += 1;
    }
    assert!(cases >= 10, "{cases}");
}
