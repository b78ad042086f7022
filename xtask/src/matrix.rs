//! `matrix`: what works on which runtime.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::Args;
use openai_codex_runtime::{Installer, Release};

use crate::kept::{self, Version};
use crate::lock::Lock;
use crate::output::{self, Mode};
use crate::{bump, export, generate, install, root};

#[derive(Args)]
pub(crate) struct Options {
    /// Versions, or paths of codex binaries
    /// [default: those that are supported and kept in schema/, and older ones of which there are recordings]
    #[arg(value_name = "VERSION")]
    runtimes: Vec<String>,
    /// Those that the lock names: the pinned one, the oldest supported one, and what is between
    #[arg(long, conflicts_with = "runtimes")]
    named: bool,
    /// Only run the turns; do not compile the crate that is generated from each runtime's export
    #[arg(long)]
    turns_only: bool,
    /// Write the table into docs/runtimes.md
    #[arg(long)]
    write: bool,
}

/// Where the table stands, and between what.
const DOCS: &str = "docs/runtimes.md";
const BEGIN: &str = "<!-- Written by `cargo xtask matrix --write`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// The row about the crate that is generated from the runtime's export.
const CRATE: &str = "types from its export";
/// The row about recorded sessions.
const RECORDED: &str = "recorded sessions";

/// How a case went.
#[derive(Clone, Debug, PartialEq)]
struct Cell {
    /// `works`, `refused`, `fails`, or that there is nothing to try.
    word: String,
    why: String,
}

/// A runtime that was tried: its version, and each case in order.
struct Column {
    version: String,
    cells: Vec<(String, Cell)>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = root();
    let runtimes = if options.named {
        let named = Release::supported().iter().rev();
        named.map(|it| it.version.to_string()).collect()
    } else if options.runtimes.is_empty() {
        usual(&root)?
    } else {
        options.runtimes.clone()
    };
    let suite = build(&root)?;
    let mut columns = Vec::new();
    for runtime in &runtimes {
        let binary = binary(&root, runtime)?;
        let version = export::version_of(&binary)?;
        eprintln!("codex {version}");
        let mut cells = turns(&root, &suite, &binary, &version)?;
        if !options.turns_only {
            cells.push((CRATE.to_owned(), types(&root, &binary, &version)));
        }
        columns.push(Column { version, cells });
    }
    let table = table(&columns);
    println!("{table}");
    if options.write {
        let path = root.join(DOCS);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCS}"))?;
        output::file(&path, &replaced(&text, &table)?, Mode::Write, "")?;
    }
    let failed = columns.iter().flat_map(|it| &it.cells);
    match failed.filter(|(_, cell)| cell.word == "fails").count() {
        0 => Ok(()),
        some => bail!("{some} of the cases fail: see the table"),
    }
}

/// The runtimes that the documentation tells about, oldest first.
fn usual(root: &Path) -> Result<Vec<String>> {
    let schema = root.join("schema");
    let lock = Lock::parse(&fs::read_to_string(schema.join("runtime.lock.toml"))?)?;
    let oldest = Version::parse(&lock.oldest);
    let others = kept::others(&schema)?
        .into_iter()
        .map(|(version, _)| version);
    let wanted = others.filter(|version| {
        Some(version) >= oldest.as_ref() || root.join("tests/replays").join(version.text()).is_dir()
    });
    let mut usual: Vec<String> = wanted.map(|it| it.text().to_owned()).collect();
    usual.push(lock.version);
    Ok(usual)
}

/// The binary of a version: what was published, verified where the lock names it.
fn binary(root: &Path, runtime: &str) -> Result<PathBuf> {
    let path = Path::new(runtime);
    if path.is_file() {
        return std::path::absolute(path).with_context(|| format!("cannot find {runtime}"));
    }
    let named = Release::supported().iter().find(|it| it.version == runtime);
    if let Some(release) = named {
        let installed = install::with(Installer::new().release(release.clone()));
        return Ok(installed?.binary().to_owned());
    }
    if Version::parse(runtime).is_none() {
        bail!("{runtime} is neither a version nor a codex binary");
    }
    bump::unpacked(&root.join("target/matrix").join(runtime), runtime)
}

/// The program that runs the turns.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--quiet", "--no-run", "--message-format=json"])
        .args(["--package", "openai-codex-tests", "--test", "matrix"])
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests do not compile: see above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let program = messages
        .filter(|it: &serde_json::Value| it["target"]["name"] == "matrix")
        .find_map(|it| it["executable"].as_str().map(PathBuf::from));
    program.context("cargo names no program for the test `matrix`")
}

/// Runs the turns on a runtime.
fn turns(root: &Path, suite: &Path, binary: &Path, version: &str) -> Result<Vec<(String, Cell)>> {
    let output = Command::new(suite)
        .env("CODEX_BIN", binary)
        .env("OPENAI_CODEX_MATRIX", "1")
        .current_dir(root.join("tests"))
        .output()
        .context("cannot run the tests")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "the tests on codex {version} ended early ({}): {text}",
            output.status
        );
    }
    let has_recordings = root.join("tests/replays").join(version).is_dir();
    let cells = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (case, word, why) = (parts.next()?, parts.next()?, parts.next()?);
        let word = match case == RECORDED && !has_recordings {
            true => "none",
            false => word,
        };
        let cell = Cell {
            word: word.to_owned(),
            why: why.to_owned(),
        };
        Some((case.to_owned(), cell))
    });
    Ok(cells.collect())
}

/// Generates the types from what a runtime exports, and compiles them.
fn types(root: &Path, binary: &Path, version: &str) -> Cell {
    let out = root.join("target/runtimes").join(version);
    match generate::run(&generate::Options::of_binary(binary, &out)) {
        Ok(()) => Cell {
            word: "works".to_owned(),
            why: String::new(),
        },
        Err(error) => Cell {
            word: "fails".to_owned(),
            why: format!("{error:#}"),
        },
    }
}

/// The table as Markdown, and why something does not work below it.
fn table(columns: &[Column]) -> String {
    let mut out = String::from("| |");
    for column in columns {
        let _ = write!(out, " {} |", column.version);
    }
    out += "\n|---|";
    columns.iter().for_each(|_| out += "---|");
    out.push('\n');
    let mut reasons: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
    let cases = columns
        .first()
        .map(|it| it.cells.as_slice())
        .unwrap_or_default();
    for (row, (case, _)) in cases.iter().enumerate() {
        let _ = write!(out, "| {case} |");
        for column in columns {
            let cell = column.cells.iter().find(|(name, _)| name == case);
            let word = cell.map_or("-", |(_, cell)| cell.word.as_str());
            let _ = write!(out, " {word} |");
            if let Some((_, cell)) = cell.filter(|(_, cell)| !cell.why.is_empty()) {
                // The same of several versions is told once.
                let why = cell.why.replace(&column.version, "VERSION");
                let why = format!("{} {}: {why}", case, cell.word);
                reasons.entry((row, why)).or_default().push(&column.version);
            }
        }
        out.push('\n');
    }
    if !reasons.is_empty() {
        out.push('\n');
    }
    for ((_, why), versions) in reasons {
        let versions = versions.join(", ");
        let _ = writeln!(out, "- {versions}: {}", why.replace("VERSION", &versions));
    }
    out
}

/// A text with another table in it.
fn replaced(text: &str, table: &str) -> Result<String> {
    let parts = text.split_once(BEGIN).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(END)?;
        Some((head, tail))
    });
    let Some((head, tail)) = parts else {
        bail!("{DOCS} lacks the marks {} and {}", BEGIN.trim(), END.trim());
    };
    Ok(format!("{head}{BEGIN}\n{table}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(version: &str, cells: &[(&str, &str, &str)]) -> Column {
        let cell = |(case, word, why): &(&str, &str, &str)| {
            let (word, why) = ((*word).to_owned(), (*why).to_owned());
            ((*case).to_owned(), Cell { word, why })
        };
        Column {
            version: version.to_owned(),
            cells: cells.iter().map(cell).collect(),
        }
    }

    #[test]
    fn the_table_tells_each_reason_once() {
        let columns = [
            column(
                "0.1.0",
                &[
                    ("a turn", "works", ""),
                    ("a fork", "refused", "0.1.0 is too old"),
                ],
            ),
            column(
                "0.2.0",
                &[
                    ("a turn", "works", ""),
                    ("a fork", "refused", "0.2.0 is too old"),
                ],
            ),
            column(
                "0.3.0",
                &[("a turn", "fails", "boom"), ("a fork", "works", "")],
            ),
        ];
        let table = table(&columns);
        assert_eq!(
            table,
            "| | 0.1.0 | 0.2.0 | 0.3.0 |\n|---|---|---|---|\n\
             | a turn | works | works | fails |\n| a fork | refused | refused | works |\n\n\
             - 0.3.0: a turn fails: boom\n\
             - 0.1.0, 0.2.0: a fork refused: 0.1.0, 0.2.0 is too old\n"
        );
        let text = format!("head\n{BEGIN}old\n{END}tail\n");
        assert_eq!(
            replaced(&text, &table).unwrap(),
            format!("head\n{BEGIN}\n{table}\n{END}tail\n")
        );
        assert!(replaced("no marks", &table).is_err());
    }
}
