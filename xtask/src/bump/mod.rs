//! `bump`: the pin moves to another version of the runtime.
//!
//! What is downloaded is kept in `target/bump/VERSION/`, whole or not at all. What is written follows from what is
//! in the checkout alone, each file at once and the lock last: one that was interrupted is simply run again.

mod archives;
mod edits;
mod proposals;
mod retire;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

pub(crate) use self::archives::unpacked;
use self::edits::Edits;
use crate::diff::{self, Side};
use crate::export::{self, Export};
use crate::kept::Version;
use crate::lock::Lock;
use crate::schema::{canonical, load};
use crate::{generate, root};

#[derive(Args)]
pub(crate) struct Options {
    /// The version to move to, such as 0.171.0
    version: String,
    /// Download and compare, and write nothing but target/bump/
    #[arg(long)]
    dry_run: bool,
    /// Only add the version to the lock, as an older one that is supported
    #[arg(long)]
    older: bool,
    /// The workspace to work in, if it is not this one
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
}

/// What is known when everything has been downloaded.
struct Move<'a> {
    root: &'a Path,
    lock: Lock,
    /// The lock's text, of which the head stays.
    lock_text: String,
    version: &'a str,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = options.root.clone().unwrap_or_else(root);
    let version = options.version.as_str();
    let lock_text = read(&root.join("schema/runtime.lock.toml"))?;
    let lock = Lock::parse(&lock_text)?;
    let (Some(new), Some(pin), Some(oldest)) = (
        Version::parse(version),
        Version::parse(&lock.version),
        Version::parse(&lock.oldest),
    ) else {
        bail!(
            "{version} is no version: it has to look like {}",
            lock.version
        );
    };
    if options.older && (new >= pin || new < oldest) {
        bail!(
            "--older is for a version from {} to before {}",
            lock.oldest,
            lock.version
        );
    }
    if !options.older && new < pin {
        bail!(
            "{version} is older than the pinned {}; with --older it becomes one that can be installed as well",
            lock.version
        );
    }
    let folder = root.join("target/bump").join(version);
    let runtime = archives::runtime(&folder, version, &lock.runtimes[0])?;
    let it = Move {
        root: &root,
        lock,
        lock_text,
        version,
    };
    let mut edits = Edits::new(&root);
    if options.older {
        it.add_older(runtime.facts, &mut edits)?;
        return finish(options, &edits);
    }
    let export = export::export(&runtime.binary)?;
    let told = export::version_of(&runtime.binary)?;
    if told != version {
        bail!("the binary of {version} says that it is {told}");
    }
    let old = it.old_export()?;
    let sides = (
        Side::of(&it.lock.version, old.bundle.clone(), Some(&old.stable))?,
        Side::of(version, export.bundle.clone(), Some(&export.stable))?,
    );
    let changes = diff::compare::changes(&sides.0.surface, &sides.1.surface);
    print!("{}", diff::text(&sides.0, &sides.1, &changes));
    it.write(&old, &export, runtime.facts, &changes, &mut edits)?;
    finish(options, &edits)?;
    if options.dry_run {
        return Ok(());
    }
    regenerate(&root, &runtime.notes)
}

/// Writes, or says what would be written.
fn finish(options: &Options, edits: &Edits<'_>) -> Result<()> {
    if options.dry_run {
        println!("\nwould be written:");
        edits.names().for_each(|name| println!("  {name}"));
        return Ok(());
    }
    edits.write()
}

impl Move<'_> {
    fn schema(&self, name: &str) -> PathBuf {
        self.root.join("schema").join(name)
    }

    /// What the runtime exports that was pinned when this began.
    fn old_export(&self) -> Result<Export> {
        let pinned = self.schema(load::CANONICAL);
        let bundle: serde_json::Value = serde_json::from_str(&read(&pinned)?)?;
        let is_old = export::sha256(&canonical::render(&bundle)) == self.lock.schema_sha256;
        let folder = match is_old {
            true => self.root.join("schema"),
            // An earlier attempt has put the new one there already, and kept the old one first.
            false => self.schema("runtimes").join(&self.lock.version),
        };
        Ok(Export {
            bundle: load::load(&folder)?,
            stable: crate::schema::stable::Stable::parse(&read(&folder.join("stable.json"))?)?,
        })
    }

    fn add_older(&self, facts: crate::lock::Runtime, edits: &mut Edits<'_>) -> Result<()> {
        let mut lock = self.lock.clone();
        lock.add(facts);
        edits.last("schema/runtime.lock.toml", lock.text(&self.lock_text)?);
        edits.put(
            "crates/runtime/src/pin.rs",
            crate::lock::render(&lock.text(&self.lock_text)?)?,
        );
        Ok(())
    }

    fn write(
        &self,
        old: &Export,
        new: &Export,
        facts: crate::lock::Runtime,
        changes: &[diff::compare::Change],
        edits: &mut Edits<'_>,
    ) -> Result<()> {
        let was = self.lock.version.as_str();
        if was != self.version {
            let folder = format!("schema/runtimes/{was}");
            edits.put(
                &format!("{folder}/{}", load::CANONICAL),
                canonical::render_lines(&old.bundle),
            );
            edits.put(
                &format!("{folder}/stable.json"),
                canonical::render_lines(&old.stable.to_json()),
            );
        }
        edits.remove(&format!("schema/runtimes/{}", self.version));
        let text = canonical::render(&new.bundle);
        let hash = export::sha256(&text);
        edits.put(&format!("schema/{}", load::CANONICAL), text);
        edits.put("schema/stable.json", new.stable.render());
        let retired = retire::retired(&self.root.join("schema"), &self.lock, old, &new.bundle)?;
        match &retired {
            Some(retired) => edits.put("schema/retired.json", canonical::render(retired)),
            None => edits.remove("schema/retired.json"),
        }
        let mut whole = new.bundle.clone();
        if let Some(retired) = &retired {
            crate::schema::retired::merge(&mut whole["definitions"], &retired["definitions"])?;
        }
        edits.put(
            "schema/methods.toml",
            proposals::methods(&read(&self.schema("methods.toml"))?, &whole)?,
        );
        edits.put(
            "schema/options.toml",
            proposals::options(&read(&self.schema("options.toml"))?, &new.bundle)?,
        );
        let mut lock = self.lock.clone();
        lock.version = self.version.to_owned();
        lock.schema_sha256 = hash;
        lock.add(facts);
        let lock_text = lock.text(&self.lock_text)?;
        edits.put(
            "crates/runtime/src/pin.rs",
            crate::lock::render(&lock_text)?,
        );
        edits.versions(was, self.version)?;
        edits.changelog(was, self.version, changes)?;
        edits.last("schema/runtime.lock.toml", lock_text);
        Ok(())
    }
}

/// Generates from what was written, and says what is left to decide.
fn regenerate(root: &Path, notes: &[String]) -> Result<()> {
    println!();
    // The manifest is written anew, which takes what has to be guessed; then all of it must hold.
    let written = generate::run(&generate::Options::of_bump(root, false));
    let generated = written.and_then(|()| generate::run(&generate::Options::of_bump(root, true)));
    let mut left: Vec<String> = notes.to_vec();
    left.extend(marks(root)?);
    if let Err(error) = &generated {
        left.push(format!("{error:#}"));
    } else {
        edits::counts(root)?;
        checks(root, &mut left);
    }
    if left.is_empty() {
        println!("nothing is left to decide; review the difference and commit it");
        return Ok(());
    }
    println!("left to decide; then run the same command again:");
    for line in &left {
        println!("- {line}");
    }
    match generated {
        Ok(()) => Ok(()),
        Err(_) => bail!(
            "the types could not be generated yet: {} things are left to decide",
            left.len()
        ),
    }
}

/// The `# decide` marks in what is reviewed by hand.
fn marks(root: &Path) -> Result<Vec<String>> {
    let mut marks = Vec::new();
    for name in ["methods.toml", "options.toml"] {
        let text = read(&root.join("schema").join(name))?;
        for (line, text) in text.lines().enumerate() {
            if text.trim_end().ends_with(proposals::MARK) {
                marks.push(format!("schema/{name}:{}: {}", line + 1, text.trim()));
            }
        }
    }
    Ok(marks)
}

/// What else has to be written anew: by programs that are compiled from what was generated.
fn checks(root: &Path, left: &mut Vec<String>) {
    // A copy has no packages.
    if !root.join("xtask/Cargo.toml").is_file() {
        return;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["xtask", "export-schema", "--check"])
        .current_dir(root)
        .status();
    if !status.is_ok_and(|it| it.success()) {
        left.push("cargo xtask export-schema --check fails: see above".to_owned());
    }
    left.push("cargo xtask public-api, and the tests: cargo test --workspace".to_owned());
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Files by their path, `None` to be removed.
type Files = BTreeMap<PathBuf, Option<String>>;
