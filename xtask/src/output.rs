//! Writing generated files, or checking that they are what would be written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What to do with generated files.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// Makes the files of a folder, and no others, be these.
///
/// # Errors
/// In [`Mode::Check`] for the first file that differs, is missing or is too
/// many, naming it and the command that mends it.
pub(crate) fn folder(
    folder: &Path,
    files: &BTreeMap<String, String>,
    mode: Mode,
    command: &str,
) -> Result<()> {
    for (name, text) in files {
        file(&folder.join(name), text, mode, command)?;
    }
    for name in present(folder)?.difference(&files.keys().cloned().collect()) {
        let path = folder.join(name);
        match mode {
            Mode::Check => bail!(
                "{} is not generated and does not belong there; mend it with: {command}",
                path.display()
            ),
            Mode::Write => fs::remove_file(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?,
        }
    }
    Ok(())
}

/// Makes one file have this text. An unchanged file is not touched, so that nothing is built anew for it.
pub(crate) fn file(path: &Path, text: &str, mode: Mode, command: &str) -> Result<()> {
    // Whatever bytes somebody put there: what is not UTF-8 differs as well.
    let current = match fs::read(path) {
        Ok(current) => Some(String::from_utf8_lossy(&current).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    // A checkout may have turned the line ends.
    if current
        .as_ref()
        .is_some_and(|current| current.replace("\r\n", "\n") == text)
    {
        return Ok(());
    }
    if mode == Mode::Check {
        match current {
            Some(current) => {
                let line = current
                    .lines()
                    .zip(text.lines())
                    .take_while(|(is, should)| is == should)
                    .count()
                    + 1;
                bail!(
                    "{} is not what would be generated, from line {line} on; mend it with: {command}",
                    path.display()
                )
            }
            None => bail!("{} is missing; mend it with: {command}", path.display()),
        }
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The files below a folder, by their path within it.
fn present(folder: &Path) -> Result<BTreeSet<String>> {
    fn visit(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => visit(&entry.path(), &format!("{name}/"), found)?,
                false => {
                    found.insert(name);
                }
            }
        }
        Ok(())
    }
    let mut found = BTreeSet::new();
    if folder.is_dir() {
        visit(folder, "", &mut found)
            .with_context(|| format!("cannot list {}", folder.display()))?;
    }
    Ok(found)
}
