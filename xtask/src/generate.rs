//! `generate-types`: the types crate out of the schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::codegen::notes::Notes;
use crate::codegen::{self, Input};
use crate::export::{self, Export};
use crate::history::History;
use crate::kept::Version;
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::methods_file::{self, MethodsFile};
use crate::output::{self, Mode};
use crate::schema::stable::Stable;
use crate::schema::{canonical, load, normalise, older, retired, vocabulary};
use crate::{lock, reviewed, root, verify};

/// What is stable, beside a schema that is kept.
const STABLE: &str = "stable.json";

/// What mends a generated file.
const COMMAND: &str = "cargo xtask generate-types";

#[derive(Args)]
pub(crate) struct Options {
    /// Compare with what is there instead of writing; fail on the first difference
    #[arg(long)]
    check: bool,
    /// Generate from a folder as `codex app-server generate-json-schema --experimental --out` writes it
    /// [default: schema/]
    #[arg(long, value_name = "DIR", conflicts_with = "codex_bin")]
    schema: Option<PathBuf>,
    /// With --schema: the same command's folder without --experimental, which tells what is stable
    /// [default: stable.json of that folder, else schema/stable.json]
    #[arg(long, value_name = "DIR", requires = "schema")]
    stable_schema: Option<PathBuf>,
    /// Generate from what this binary exports
    #[arg(long, value_name = "PATH")]
    codex_bin: Option<PathBuf>,
    /// Write the whole generated crate, Cargo.toml included, to this folder instead of generated/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// End with `cargo check` of what was written
    #[arg(long, requires = "out", conflicts_with = "check")]
    verify: bool,
    /// Report fixups and reviewed lists that do not fit the schema instead of failing; not for the pin
    #[arg(long)]
    lenient_fixups: bool,
    /// With --schema: the version of the runtime that wrote it [default: the pin's]
    #[arg(long, value_name = "VERSION", requires = "schema")]
    runtime_version: Option<String>,
    /// Write schema/manifest.toml anew, for review
    #[arg(long, conflicts_with_all = ["check", "out"])]
    write_manifest: bool,
    /// The workspace to work in, if it is not this one
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
}

impl Options {
    /// For a runtime whose export is kept.
    pub(crate) fn of_kept(schema: PathBuf, version: &str, out: &Path) -> Self {
        Self {
            check: false,
            schema: Some(schema),
            stable_schema: None,
            codex_bin: None,
            out: Some(out.to_owned()),
            verify: true,
            lenient_fixups: true,
            runtime_version: Some(version.to_owned()),
            write_manifest: false,
            root: None,
        }
    }

    /// For what a binary exports.
    pub(crate) fn of_binary(binary: &Path, out: &Path) -> Self {
        Self {
            codex_bin: Some(binary.to_owned()),
            schema: None,
            runtime_version: None,
            ..Self::of_kept(PathBuf::new(), "", out)
        }
    }

    /// For a pin that has just been moved: writing all of it anew, or checking it.
    pub(crate) fn of_bump(root: &Path, check: bool) -> Self {
        Self {
            check,
            schema: None,
            stable_schema: None,
            codex_bin: None,
            out: None,
            verify: false,
            lenient_fixups: false,
            runtime_version: None,
            write_manifest: !check,
            root: Some(root.to_owned()),
        }
    }

    fn root(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(root)
    }
}

/// A schema and the version it belongs to.
struct Source {
    bundle: Value,
    stable: Stable,
    version: String,
    /// Whether it is the schema that was reviewed.
    pinned: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = options.root();
    let schema = root.join("schema");
    let lock_text = read(&schema.join("runtime.lock.toml"))?;
    let lock = Lock::parse(&lock_text)?;
    if options.lenient_fixups && options.schema.is_none() && options.codex_bin.is_none() {
        bail!(
            "--lenient-fixups is for the schema of another runtime (--schema, --codex-bin); for the pinned one, mend xtask/src/schema/fixups.rs"
        );
    }
    let mut source = source(options, &lock)?;
    if source.pinned {
        retired::add(&schema, &mut source.bundle)?;
    }
    if options.lenient_fixups && source.pinned {
        eprintln!("this is the pinned schema, for which --lenient-fixups does nothing");
    }
    let notes = Notes::parse(&read(&schema.join("notes.toml"))?)?;
    let path = schema.join("manifest.toml");
    let manifest = if options.write_manifest {
        Manifest::default()
    } else {
        Manifest::parse(&read(&path)?)?
    };
    if source.pinned {
        reviewed::check(&schema, &source.bundle)?;
        let definitions = vocabulary::read(&normalise::flatten(source.bundle.clone())?)?;
        older::check(&schema, &lock.version, &definitions)?;
    }
    let methods = MethodsFile::parse(&read(&root.join(methods_file::PATH))?)?;
    let history = History::read(&schema, &lock.version)?;
    // Types of what is older support what they are made from.
    let oldest = match (
        Version::parse(&source.version),
        Version::parse(&lock.oldest),
    ) {
        (Some(version), Some(oldest)) if version < oldest && !version.is_unversioned() => {
            &source.version
        }
        _ => &lock.oldest,
    };
    let output = codegen::generate(Input {
        bundle: source.bundle,
        stable: &source.stable,
        manifest: &manifest,
        notes: &notes,
        methods: &methods,
        methods_fit: source.pinned,
        history: &history,
        runtime_version: &source.version,
        oldest_runtime: oldest,
        pinned: source.pinned && !options.write_manifest,
        lenient_fixups: options.lenient_fixups && !source.pinned,
    })?;
    for line in &output.report {
        eprintln!("{line}");
    }
    if options.write_manifest {
        output::file(&path, &output.manifest.render(), Mode::Write, COMMAND)?;
    }
    let mode = if options.check {
        Mode::Check
    } else {
        Mode::Write
    };
    match &options.out {
        Some(out) => {
            check_is_ours(out)?;
            output::file(
                &out.join("Cargo.toml"),
                &standalone(&root, &source.version)?,
                mode,
                COMMAND,
            )?;
            output::folder(&out.join("src"), &output.files, mode, COMMAND)?;
        }
        None => {
            let mut files: BTreeMap<String, String> = (output.files.into_iter())
                .map(|(name, text)| (format!("src/{name}"), text))
                .collect();
            files.extend(frame(&root)?);
            output::folder(&root.join("generated"), &files, mode, COMMAND)?;
            output::file(
                &root.join("crates/runtime/src/pin.rs"),
                &lock::render(&lock_text)?,
                mode,
                COMMAND,
            )?;
        }
    }
    let counts = &output.manifest.counts;
    println!(
        "codex {}: {} requests, {} server requests, {} notifications, {} types{}",
        source.version,
        output.requests,
        counts.server_requests,
        counts.notifications,
        counts.types,
        if options.check { "; up to date" } else { "" }
    );
    match &options.out {
        Some(out) if options.verify => verify::check(&root, out),
        _ => Ok(()),
    }
}

/// A folder that is written to as a whole must be absent, empty, or a crate that was generated: whatever else is in its
/// `src` would be removed.
fn check_is_ours(out: &Path) -> Result<()> {
    if out.is_file() {
        bail!("{} is a file; pass --out a folder", out.display());
    }
    let is_empty = fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    let manifest = fs::read_to_string(out.join("Cargo.toml")).unwrap_or_default();
    if !is_empty && !manifest.starts_with("# @generated by") {
        bail!(
            "{} holds something else than a generated crate; pass --out an empty folder",
            out.display()
        );
    }
    Ok(())
}

fn source(options: &Options, lock: &Lock) -> Result<Source> {
    let folder = options.root().join("schema");
    let stable_of_pin = || Stable::parse(&read(&folder.join(STABLE))?);
    let (bundle, stable, version) = if let Some(binary) = &options.codex_bin {
        let Export { bundle, stable } = export::export(binary)?;
        (bundle, stable, Some(export::version_of(binary)?))
    } else if let Some(schema) = &options.schema {
        let stable = match &options.stable_schema {
            Some(folder) => Stable::of(&vocabulary::read(&normalise::flatten(load::load(
                folder,
            )?)?)?)?,
            None if schema.join(STABLE).is_file() => Stable::parse(&read(&schema.join(STABLE))?)?,
            None => stable_of_pin()?,
        };
        (
            canonical::canonicalise(load::load(schema)?),
            stable,
            options.runtime_version.clone(),
        )
    } else {
        (load::load(&folder)?, stable_of_pin()?, None)
    };
    let hash = export::sha256(&canonical::render(&bundle));
    let pinned = hash == lock.schema_sha256;
    if !pinned && options.schema.is_none() && options.codex_bin.is_none() {
        bail!(
            "schema/{} is not what codex {} exports (its sha256 is {hash}, the lock file says {}); run: cargo xtask export-schema",
            load::CANONICAL,
            lock.version,
            lock.schema_sha256
        );
    }
    if !pinned && options.out.is_none() && !options.check {
        bail!(
            "this is not the pinned schema, and its types do not belong into generated/; pass --out DIR"
        );
    }
    let version = match (version, pinned) {
        (Some(version), _) => version,
        (None, true) => lock.version.clone(),
        (None, false) => "unknown".to_owned(),
    };
    Ok(Source {
        bundle,
        stable,
        version,
        pinned,
    })
}

/// What stands around the sources in `generated/`, so that nothing there is without a source.
fn frame(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files: BTreeMap<String, String> = codegen::FRAME
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    // A package holds its own; here they are links.
    for name in ["LICENSE", "NOTICE"] {
        files.insert(name.to_owned(), read(&root.join(name))?);
    }
    Ok(files)
}

/// The manifest of a generated crate that stands outside the workspace.
fn standalone(root: &Path, version: &str) -> Result<String> {
    let wire = root.join("crates/wire");
    let wire = wire.to_str().context("the workspace's path is not UTF-8")?;
    let workspace: toml::Table =
        toml::from_str(&read(&root.join("Cargo.toml"))?).context("Cargo.toml is not TOML")?;
    let edition = workspace
        .get("workspace")
        .and_then(|it| it.get("package")?.get("edition")?.as_str())
        .unwrap_or("2024");
    Ok(format!(
        "# @generated by `{COMMAND}` from codex {version}. Do not edit.\n\n[package]\nname = \"openai-codex-types\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\npublish = false\n\n[features]\nmessages = []\n\n[dependencies]\nopenai-codex-wire = {{ path = {wire:?} }}\nserde = {{ version = \"1\", default-features = false, features = [\"std\"] }}\nserde_json = {{ version = \"1\", features = [\"raw_value\"] }}\n\n[workspace]\n"
    ))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
