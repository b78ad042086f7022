//! What was published of a version: downloaded by the package clients, and looked into.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::lock::{Archive, PinnedFile, Platform, Runtime};

/// What was found.
pub(super) struct Found {
    pub(super) facts: Runtime,
    /// The binary for this machine.
    pub(super) binary: PathBuf,
    /// What a person should look at.
    pub(super) notes: Vec<String>,
}

/// A file in an archive.
#[derive(Clone, PartialEq)]
struct Entry {
    size: u64,
    sha256: String,
}

/// Downloads each archive of a version unless it is in `folder`, and describes it by what `like` describes.
pub(super) fn runtime(folder: &Path, version: &str, like: &Runtime) -> Result<Found> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut seen = BTreeMap::new();
    let mut notes = Vec::new();
    let mut platforms = Vec::new();
    let binary = folder.join(if cfg!(windows) { "codex.exe" } else { "codex" });
    for platform in &like.platforms {
        let target = &platform.target;
        let (wheel, npm) = tags(target)?;
        let mut files: Option<BTreeMap<String, Entry>> = None;
        let mut archive = |is_wheel: bool| -> Result<Option<Archive>> {
            let Some((archive, inside)) = one(
                folder,
                version,
                is_wheel,
                if is_wheel { wheel } else { npm },
                &mut seen,
            )?
            else {
                let source = if is_wheel { "uv and pip" } else { "npm" };
                notes.push(format!(
                    "{version} is not published for {source} on {target}; the lock says so"
                ));
                return Ok(None);
            };
            let wanted: BTreeMap<_, _> = wanted(platform)
                .filter_map(|path| Some((path.to_owned(), inside.get(path)?.clone())))
                .collect();
            if let Some(other) = &files
                && *other != wanted
            {
                bail!(
                    "the archives of {version} for {target} hold different files; the lock has one list for both"
                );
            }
            files = Some(wanted);
            Ok(Some(archive))
        };
        let (wheel, npm) = (archive(true)?, archive(false)?);
        let Some(files) = files else {
            bail!("{version} is published for {target} neither for pip nor for npm");
        };
        let pinned = |path: &str| {
            let entry = files.get(path)?;
            Some(PinnedFile {
                path: path.to_owned(),
                size: entry.size,
                sha256: entry.sha256.clone(),
            })
        };
        let lost = wanted(platform).filter(|path| !files.contains_key(*path));
        notes.extend(lost.map(|path| format!("{target}: {path} is not in {version} any more")));
        let Some(program) = pinned(&platform.binary.path) else {
            bail!(
                "the archives of {version} for {target} lack {}",
                platform.binary.path
            );
        };
        if *target == openai_codex_runtime::current_target() {
            let archive = npm.as_ref().or(wheel.as_ref()).context("there is one")?;
            take(
                &folder.join(&archive.file),
                &format!("{}/{}", archive.root, program.path),
                &binary,
            )?;
        }
        platforms.push(Platform {
            target: target.clone(),
            path_dir: platform.path_dir.clone(),
            siblings: platform
                .siblings
                .iter()
                .filter_map(|it| pinned(&it.path))
                .collect(),
            binary: program,
            wheel,
            npm,
        });
    }
    if !binary.is_file() {
        bail!("{version} has nothing for this machine, whose binary has to tell the schema");
    }
    // A runtime that is missing for a source is missing for all platforms, mostly: once is enough.
    let all = platforms.len();
    for (source, missing) in [
        (
            "uv and pip",
            platforms.iter().filter(|it| it.wheel.is_none()).count(),
        ),
        (
            "npm",
            platforms.iter().filter(|it| it.npm.is_none()).count(),
        ),
    ] {
        if missing == all {
            notes.retain(|it| !it.contains(&format!("for {source} on")));
            notes.push(format!(
                "{version} is not published for {source}; the lock says so"
            ));
        }
    }
    Ok(Found {
        facts: Runtime {
            version: version.to_owned(),
            platforms,
        },
        binary,
        notes,
    })
}

fn wanted(platform: &Platform) -> impl Iterator<Item = &str> {
    let siblings = platform.siblings.iter().map(|it| it.path.as_str());
    std::iter::once(platform.binary.path.as_str()).chain(siblings)
}

/// The names of a platform: a wheel's tag, and the end of an npm version.
fn tags(target: &str) -> Result<(&'static str, &'static str)> {
    Ok(match target {
        "x86_64-unknown-linux-gnu" => ("manylinux_2_17_x86_64", "linux-x64"),
        "aarch64-unknown-linux-gnu" => ("manylinux_2_17_aarch64", "linux-arm64"),
        "x86_64-unknown-linux-musl" => ("musllinux_1_1_x86_64", "linux-x64"),
        "aarch64-unknown-linux-musl" => ("musllinux_1_1_aarch64", "linux-arm64"),
        "x86_64-apple-darwin" => ("macosx_10_9_x86_64", "darwin-x64"),
        "aarch64-apple-darwin" => ("macosx_11_0_arm64", "darwin-arm64"),
        "x86_64-pc-windows-msvc" => ("win_amd64", "win32-x64"),
        "aarch64-pc-windows-msvc" => ("win_arm64", "win32-arm64"),
        other => bail!("nothing is known of how the runtime is published for {other}"),
    })
}

type Inside = BTreeMap<String, Entry>;

/// One archive: what the lock says of it, and what is below its root. `None` if it was not published.
fn one(
    folder: &Path,
    version: &str,
    is_wheel: bool,
    tag: &str,
    seen: &mut BTreeMap<String, Option<(Archive, Inside)>>,
) -> Result<Option<(Archive, Inside)>> {
    let (spec, file) = match is_wheel {
        true => (
            format!("openai-codex-cli-bin=={version}"),
            format!("openai_codex_cli_bin-{version}-py3-none-{tag}.whl"),
        ),
        false => (
            format!("@openai/codex@{version}-{tag}"),
            format!("openai-codex-{version}-{tag}.tgz"),
        ),
    };
    if let Some(known) = seen.get(&file) {
        return Ok(known.clone());
    }
    let path = folder.join(&file);
    if !path.is_file() && !download(folder, &spec, tag, is_wheel, &path)? {
        seen.insert(file, None);
        return Ok(None);
    }
    println!("{file}");
    let (root, inside) =
        inside(&path, is_wheel).with_context(|| format!("cannot read {}", path.display()))?;
    let archive = Archive {
        spec,
        tag: tag.to_owned(),
        size: fs::metadata(&path)?.len(),
        sha256: sha256(&mut File::open(&path)?)?.sha256,
        unpacked: inside.values().map(|it| it.size).sum(),
        root,
        file: file.clone(),
    };
    seen.insert(file, Some((archive.clone(), inside.clone())));
    Ok(Some((archive, inside)))
}

/// The binary of a version for this machine, unpacked into `folder` with what belongs to it, from npm.
pub(crate) fn unpacked(folder: &Path, version: &str) -> Result<PathBuf> {
    let target = openai_codex_runtime::current_target();
    let (_, tag) = tags(&target)?;
    let whole = folder.join("whole");
    let binary = || -> Result<PathBuf> {
        let program = fs::read_to_string(&whole).context("it is not whole")?;
        Ok(folder.join(program))
    };
    if let Ok(binary) = binary() {
        return Ok(binary);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let archive = folder.join(format!("{version}.tgz"));
    if !archive.is_file()
        && !download(
            folder,
            &format!("@openai/codex@{version}-{tag}"),
            tag,
            false,
            &archive,
        )?
    {
        bail!("npm has no {version} for {target}");
    }
    let mut program = None;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(&archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        // Never outside of the folder.
        entry.unpack_in(folder)?;
        if ["/bin/codex", "/bin/codex.exe"]
            .iter()
            .any(|it| name.ends_with(it))
        {
            program = Some(name);
        }
    }
    fs::write(&whole, program.context("there is no bin/codex in it")?)?;
    fs::remove_file(&archive)?;
    binary()
}

/// Whether there is such an archive; then it is at `path`.
fn download(folder: &Path, spec: &str, tag: &str, is_wheel: bool, path: &Path) -> Result<bool> {
    let staging = tempfile::tempdir_in(folder).context("cannot create a temporary folder")?;
    let (client, arguments): (&str, Vec<&str>) = match is_wheel {
        true => (
            "pip",
            vec![
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--platform",
                tag,
                "--python-version",
                "3.12",
                "--no-cache-dir",
                "--no-input",
                "--disable-pip-version-check",
                "--progress-bar",
                "off",
                "--dest",
                ".",
                spec,
            ],
        ),
        false => (
            "npm",
            vec!["pack", spec, "--ignore-scripts", "--no-update-notifier"],
        ),
    };
    println!("{client}: {spec} for {tag}");
    let output = Command::new(client)
        .args(arguments)
        .current_dir(staging.path())
        .output()
        .with_context(|| format!("cannot run {client}, which {spec} comes through"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // pip lists the versions that there are; none of them means that it could not ask.
        let is_missing = match is_wheel {
            true => {
                said.contains("No matching distribution found")
                    && !said.contains("(from versions: none)")
            }
            false => ["ETARGET", "E404"].iter().any(|code| said.contains(code)),
        };
        return match is_missing {
            true => Ok(false),
            false => bail!("{client} could not download {spec}: {}", said.trim()),
        };
    }
    let got = fs::read_dir(staging.path())?.flatten().map(|it| it.path());
    let got: Vec<_> = got
        .filter(|it| it.extension() == path.extension())
        .collect();
    let [got] = got.as_slice() else {
        bail!("{client} left no archive of {spec}");
    };
    fs::rename(got, path).with_context(|| format!("cannot move {}", got.display()))?;
    Ok(true)
}

/// The folder that is unpacked, and the files below it.
fn inside(path: &Path, is_wheel: bool) -> Result<(String, Inside)> {
    let mut all = BTreeMap::new();
    each(path, is_wheel, &mut |name, content| {
        all.insert(name.to_owned(), sha256(content)?);
        Ok(())
    })?;
    let is_program = |name: &&String| {
        ["/bin/codex", "/bin/codex.exe"]
            .iter()
            .any(|it| name.ends_with(it))
    };
    let root = all
        .keys()
        .find(is_program)
        .and_then(|name| name.rsplit_once("/bin/"));
    let root = root.context("there is no bin/codex in it")?.0.to_owned();
    let within = all.into_iter().filter_map(|(name, entry)| {
        let name = name.strip_prefix(&root)?.strip_prefix('/')?;
        Some((name.to_owned(), entry))
    });
    Ok((root.clone(), within.collect()))
}

/// Writes one entry of an archive to a file that can be run.
fn take(archive: &Path, entry: &str, to: &Path) -> Result<()> {
    let is_wheel = archive.extension().is_some_and(|it| it == "whl");
    let mut part = tempfile::NamedTempFile::new_in(to.parent().context("it is in a folder")?)?;
    each(archive, is_wheel, &mut |name, content| {
        if name == entry {
            io::copy(content, &mut part)?;
        }
        Ok(())
    })?;
    part.flush()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(part.path(), fs::Permissions::from_mode(0o755))?;
    }
    part.persist(to)
        .with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}

type Visit<'a> = &'a mut dyn FnMut(&str, &mut dyn Read) -> Result<()>;

/// Calls `visit` for each file of an archive.
fn each(path: &Path, is_wheel: bool, visit: Visit<'_>) -> Result<()> {
    let file = File::open(path)?;
    if is_wheel {
        let mut zip = zip::ZipArchive::new(file)?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index)?;
            if entry.is_file() {
                let name = entry.name()?.into_owned();
                visit(&name, &mut entry)?;
            }
        }
        return Ok(());
    }
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(file)).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry.path()?.to_string_lossy().into_owned();
            visit(&name, &mut entry)?;
        }
    }
    Ok(())
}

fn sha256(content: &mut dyn Read) -> Result<Entry> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match content.read(&mut buffer)? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
        }
    }
    let digits = hasher.finalize();
    Ok(Entry {
        size,
        sha256: digits.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}
