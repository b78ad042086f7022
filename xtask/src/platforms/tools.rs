//! The tools that other platforms need: found, or installed where they can be.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The C compiler and linker for Windows.
pub(crate) const MINGW: &str = "x86_64-w64-mingw32-gcc";
/// What Debian and its kin call what brings Wine and that compiler.
const PACKAGES: [&str; 3] = ["wine", "wine64", "gcc-mingw-w64-x86-64"];

/// Sees to it that the standard library for a target is there. Gives why not, where it may be
/// missing.
pub(crate) fn target(name: &str, no_install: bool) -> Result<Option<String>> {
    if has_target(name)? {
        return Ok(None);
    }
    if no_install {
        return Ok(Some(format!("run `rustup target add {name}`")));
    }
    eprintln!("installing the Rust target {name}");
    let added = Command::new("rustup")
        .args(["target", "add", name])
        .status();
    match added {
        Ok(status) if status.success() && has_target(name)? => Ok(None),
        Ok(status) => bail!(
            "`rustup target add {name}` failed ({status}); is there a way to its server, and is the \
             cargo that runs here one of rustup's?"
        ),
        Err(error) => bail!(
            "the standard library for {name} is missing, and rustup, which would bring it, cannot \
             be run ({error})"
        ),
    }
}

fn has_target(name: &str) -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .current_dir(crate::root())
        .output()
        .context("cannot run rustc")?;
    let sysroot = String::from_utf8_lossy(&output.stdout);
    let folder = Path::new(sysroot.trim()).join("lib/rustlib").join(name);
    Ok(folder.join("lib").is_dir())
}

/// Sees to it that Wine and the linker for Windows are there. Gives why not, where they may be
/// missing.
pub(crate) fn wine_and_linker(no_install: bool) -> Result<Option<String>> {
    let missing = || wine().is_none() || on_path(MINGW).is_none();
    if !missing() {
        return Ok(None);
    }
    let by_hand = format!("run `apt-get install {}` as root", PACKAGES.join(" "));
    if no_install {
        return Ok(Some(by_hand));
    }
    if on_path("apt-get").is_none() {
        bail!(
            "Wine and {MINGW} are needed, and there is no apt-get here to install them with; \
             install them as this system does"
        );
    }
    eprintln!("installing {}", PACKAGES.join(", "));
    // Another installation may be under way.
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=600", "install", "--yes"]);
    apt.args(["--no-install-recommends", "--quiet"])
        .args(PACKAGES);
    let status = apt
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .context("cannot run apt-get")?;
    if !status.success() || missing() {
        bail!(
            "Wine and {MINGW} could not be installed ({status}); {by_hand}, after `apt-get update`"
        );
    }
    Ok(None)
}

/// Wine for 64 bits.
pub(crate) fn wine() -> Option<PathBuf> {
    let beside = PathBuf::from("/usr/lib/wine/wine64");
    ["wine", "wine64"]
        .into_iter()
        .find_map(on_path)
        .or_else(|| beside.is_file().then_some(beside))
}

/// A program on the `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
