//! `quirks`: what is there only for how a runtime behaves, and the test that would tell that it no longer does.
//!
//! Such a place bears a comment: `QUIRK(VERSION, FILE::TEST): what and why`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::root;

/// Where they are looked for.
const FOLDERS: [&str; 3] = ["crates", "tests", "examples"];
const MARK: &str = "// QUIRK(";

/// A marked place.
#[derive(Debug, PartialEq)]
struct Quirk {
    place: String,
    version: String,
    test: String,
    about: String,
}

pub(crate) fn run() -> Result<()> {
    let root = root();
    let mut quirks = Vec::new();
    for folder in FOLDERS {
        visit(&root, &root.join(folder), &mut |place, text| {
            quirks.extend(of_file(place, text)?);
            Ok(())
        })?;
    }
    let mut wrong = Vec::new();
    for it in &quirks {
        println!(
            "{}: codex {}: {}\n    {}",
            it.place, it.version, it.about, it.test
        );
        if let Err(error) = check(&root, it) {
            wrong.push(format!("{}: {error}", it.place));
        }
    }
    match wrong.is_empty() {
        true => {
            println!("{} quirks, each with a test", quirks.len());
            Ok(())
        }
        false => bail!("{}", wrong.join("; ")),
    }
}

/// Calls `file` for every Rust source below a folder.
fn visit(root: &Path, folder: &Path, file: &mut dyn FnMut(&str, &str) -> Result<()>) -> Result<()> {
    let cannot = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let mut paths = entries
        .map(|entry| entry.map(|it| it.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(cannot)?;
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            visit(root, &path, file)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let place = path.strip_prefix(root).unwrap_or(&path);
            file(&place.display().to_string().replace('\\', "/"), &text)?;
        }
    }
    Ok(())
}

/// The marked places of a source.
fn of_file(place: &str, text: &str) -> Result<Vec<Quirk>> {
    let mut quirks = Vec::new();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(mark) = line.strip_prefix(MARK) else {
            continue;
        };
        let place = format!("{place}:{}", at + 1);
        let Some((inside, about)) = mark.split_once("):") else {
            bail!("{place}: a quirk is written {MARK}VERSION, FILE::TEST): what and why");
        };
        let Some((version, test)) = inside.split_once(", ") else {
            bail!(
                "{place}: the quirk of codex {inside} names no test; write {MARK}{inside}, FILE::TEST)"
            );
        };
        let more = lines[at + 1..].iter().map_while(|it| it.strip_prefix("//"));
        let more = more.take_while(|it| !it.starts_with('/') && !it.starts_with('!'));
        let about: Vec<&str> = std::iter::once(about).chain(more).map(str::trim).collect();
        quirks.push(Quirk {
            place,
            version: version.to_owned(),
            test: test.to_owned(),
            about: about.join(" ").trim().to_owned(),
        });
    }
    Ok(quirks)
}

/// Whether the test that a quirk names is there.
fn check(root: &Path, it: &Quirk) -> Result<()> {
    let Some((file, test)) = it.test.rsplit_once("::") else {
        bail!("`{}` names no test; write FILE::TEST", it.test);
    };
    let text =
        fs::read_to_string(root.join(file)).with_context(|| format!("there is no {file}"))?;
    let declared = format!("fn {test}(");
    let is_test = text.split("#[").any(|part| {
        (part.starts_with("test]") || part.starts_with("tokio::test")) && part.contains(&declared)
    });
    match is_test {
        true => Ok(()),
        false => bail!("{file} has no test `{test}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quirk_is_read_with_its_version_its_test_and_what_it_is_about() {
        let text = "fn a() {\n    // QUIRK(0.1.0, tests/a.rs::it_works):\n    // it does not\n    // answer.\n    x();\n}\n";
        let quirks = of_file("src/a.rs", text).unwrap();
        assert_eq!(
            quirks,
            [Quirk {
                place: "src/a.rs:2".to_owned(),
                version: "0.1.0".to_owned(),
                test: "tests/a.rs::it_works".to_owned(),
                about: "it does not answer.".to_owned(),
            }]
        );
    }

    #[test]
    fn a_quirk_without_a_test_is_an_error() {
        let error = of_file("a.rs", "// QUIRK(0.1.0): it is odd.\n").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a.rs:1: the quirk of codex 0.1.0 names no test"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("t.rs"),
            "#[test]\nfn there() {}\n\nfn helper() {}\n",
        )
        .unwrap();
        let named = |test: &str| Quirk {
            place: String::new(),
            version: String::new(),
            test: test.to_owned(),
            about: String::new(),
        };
        assert!(check(folder.path(), &named("t.rs::there")).is_ok());
        for missing in ["t.rs::gone", "u.rs::there", "there"] {
            assert!(check(folder.path(), &named(missing)).is_err(), "{missing}");
        }
    }
}
