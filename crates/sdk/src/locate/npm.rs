//! The runtime behind the script that npm puts on the `PATH` of Windows.
//!
//! `npm install -g @openai/codex` puts `codex.cmd` there, which has node run `codex.js`, which
//! starts the runtime. Were it started itself, `cmd.exe` would read the arguments, in which `%`, `^`
//! and `"` mean something to it, and to end it would not end the runtime. So the runtime is looked
//! for where `codex.js` (of 0.163.0) looks for it; where it is not, the script is what is started,
//! and arguments that `cmd.exe` would read otherwise are refused by the standard library.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Found;

/// How much of a script is read. npm's has 400 bytes.
const SCRIPT: u64 = 64 * 1024;

/// What the runtime is published for on Windows: the package, and the folder in it.
const PLATFORMS: [[&str; 2]; 2] = [
    ["codex-win32-x64", "x86_64-pc-windows-msvc"],
    ["codex-win32-arm64", "aarch64-pc-windows-msvc"],
];

/// What to start where this is a script, or a script lies beside it; `None` for a binary.
pub(super) fn behind(path: &Path) -> Option<Found> {
    let script = match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if ["cmd", "bat"].contains(&&*extension.to_ascii_lowercase()) => {
            path.to_owned()
        }
        Some(_) => return None,
        // npm also makes one for shells of Unix, which Windows cannot start.
        None => Some(path.with_extension("cmd")).filter(|script| script.is_file())?,
    };
    let runtime = packages(&script)
        .iter()
        .find_map(|package| runtime_of(package));
    Some(runtime.unwrap_or(Found {
        binary: script,
        path_dir: None,
    }))
}

/// Where the package `@openai/codex` may lie: where the script says, and where npm puts it.
fn packages(script: &Path) -> Vec<PathBuf> {
    let folder = script.parent().unwrap_or(Path::new(""));
    let mut text = Vec::new();
    if script.is_file()
        && let Ok(file) = File::open(script)
    {
        // What cannot be read names nothing.
        let _ = file.take(SCRIPT).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let named = text.split('"').filter_map(|word| package_in(word, folder));
    let mut packages: Vec<_> = named.collect();
    // Of a global installation, and of one in a project.
    for parent in [folder.join("node_modules"), folder.join("..")] {
        packages.push(parent.join("@openai").join("codex"));
    }
    packages
}

/// The package of the `codex.js` that a word of a script names, as `%dp0%\…\bin\codex.js`.
fn package_in(word: &str, folder: &Path) -> Option<PathBuf> {
    let package = word
        .strip_suffix("codex.js")?
        .trim_end_matches(['\\', '/'])
        .strip_suffix("bin")?;
    let below = package
        .strip_prefix("%dp0%")
        .or_else(|| package.strip_prefix("%~dp0"));
    let start = match below {
        Some(_) => folder.to_owned(),
        None => PathBuf::new(),
    };
    let parts = below.unwrap_or(package).split_inclusive(['\\', '/']);
    let mut path = start;
    for part in parts {
        let name = part.trim_end_matches(['\\', '/']);
        match name.is_empty() {
            // The root of a path that is absolute.
            true if below.is_none() => path.push(part),
            true => {}
            // A drive is one only together with its root.
            false if name.ends_with(':') => path.push(part),
            false => path.push(name),
        }
    }
    Some(path)
}

/// The runtime that belongs to a package, in it or beside it.
fn runtime_of(package: &Path) -> Option<Found> {
    let mut places = vec![package.join("node_modules").join("@openai")];
    places.extend(package.parent().map(Path::to_owned));
    // pnpm links to packages that have theirs beside them.
    if let Ok(real) = package.canonicalize() {
        places.extend(plain(&real).parent().map(Path::to_owned));
    }
    let mut platforms = PLATFORMS;
    if cfg!(target_arch = "aarch64") {
        platforms.reverse();
    }
    for [name, target] in platforms {
        let beside = places.iter().map(|place| place.join(name));
        for vendor in beside.chain([package.to_owned()]) {
            let root = vendor.join("vendor").join(target);
            let binary = root.join("bin").join("codex.exe");
            if binary.is_file() {
                let tools = root.join("codex-path");
                return Some(Found {
                    binary,
                    path_dir: tools.is_dir().then_some(tools),
                });
            }
        }
    }
    None
}

/// A path without the `\\?\` that Windows puts before one that it has looked up: not every program
/// can be started by such a name.
fn plain(path: &Path) -> PathBuf {
    let text = path.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    match text {
        Some(text) if text.as_bytes().get(1) == Some(&b':') => text.into(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// As npm 11 writes it.
    const SHIM: &str = "@ECHO off\r\nGOTO start\r\n:find_dp0\r\nSET dp0=%~dp0\r\nEXIT /b\r\n:start\r\n\
        SETLOCAL\r\nCALL :find_dp0\r\n\r\nIF EXIST \"%dp0%\\node.exe\" (\r\n  SET \"_prog=%dp0%\\node.exe\"\r\n\
        ) ELSE (\r\n  SET \"_prog=node\"\r\n  SET PATHEXT=%PATHEXT:;.JS;=;%\r\n)\r\n\r\n\
        endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & \"%_prog%\"  \
        \"%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js\" %*\r\n";

    fn put(root: &Path, path: &str, text: &str) -> PathBuf {
        let path = root.join(path.split('/').collect::<PathBuf>());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a runtime there, and checks that it is found behind the script.
    #[track_caller]
    fn check(script: &str, shim: &str, vendor: &str) {
        let folder = tempfile::tempdir().unwrap();
        let script = put(folder.path(), script, shim);
        let runtime = format!("{vendor}/x86_64-pc-windows-msvc");
        let binary = put(folder.path(), &format!("{runtime}/bin/codex.exe"), "");
        let tool = put(folder.path(), &format!("{runtime}/codex-path/rg.exe"), "");
        let found = behind(&script).unwrap();
        let real = |path: &Path| path.canonicalize().unwrap();
        assert_eq!(real(&found.binary), real(&binary));
        assert_eq!(real(&found.path_dir.unwrap()), real(tool.parent().unwrap()));
        if script.ends_with("codex.cmd") {
            // Named without its extension, as it is typed.
            let named = behind(&script.with_extension("")).unwrap();
            assert_eq!(named.binary, found.binary);
        }
    }

    #[test]
    fn the_runtime_is_found_where_npm_puts_it() {
        let below = "npm/node_modules/@openai/codex/node_modules/@openai/codex-win32-x64/vendor";
        check("npm/codex.cmd", SHIM, below);
        check("npm/codex.CMD", SHIM, below);
        check(
            "npm/codex.cmd",
            SHIM,
            "npm/node_modules/@openai/codex-win32-x64/vendor",
        );
        check(
            "npm/codex.cmd",
            SHIM,
            "npm/node_modules/@openai/codex/vendor",
        );
        // In a project.
        let local = "x/node_modules/@openai/codex-win32-x64/vendor";
        check("x/node_modules/.bin/codex.cmd", "", local);
    }

    #[test]
    fn the_script_is_believed_where_it_says_where_the_package_is() {
        let shim = "@\"%~dp0\\global\\5\\node_modules\\@openai\\codex\\bin\\codex.js\" %*";
        let beside = "pnpm/global/5/node_modules/@openai/codex-win32-x64/vendor";
        check("pnpm/codex.cmd", shim, beside);
        let shim = "@\"%~dp0\\..\\lib\\codex\\bin\\codex.js\" %*";
        check("bin/codex.bat", shim, "lib/codex/vendor");
    }

    #[test]
    fn a_script_that_leads_nowhere_is_started_itself() {
        let folder = tempfile::tempdir().unwrap();
        let script = put(folder.path(), "codex.cmd", "@echo codex-cli 0.163.0\r\n");
        let found = behind(&script).unwrap();
        assert_eq!((found.binary, found.path_dir), (script, None));
        assert!(behind(&folder.path().join("codex.exe")).is_none());
        assert!(behind(&folder.path().join("other")).is_none());
    }

    #[test]
    fn absolute_paths_and_looked_up_ones_are_read() {
        let package = package_in(r"C:\tools\codex\bin\codex.js", Path::new("x")).unwrap();
        let name = package.to_str().unwrap().replace('/', "\\");
        assert!(
            name.starts_with(r"C:\") && name.ends_with(r"\tools\codex"),
            "{name}"
        );
        assert_eq!(plain(Path::new(r"\\?\C:\x")), Path::new(r"C:\x"));
        for kept in [r"\\?\UNC\server\x", r"C:\x", "/x"] {
            assert_eq!(plain(Path::new(kept)), Path::new(kept));
        }
    }
}
