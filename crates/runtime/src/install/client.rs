//! The package clients that can download the runtime: [`Client`].
//!
//! A client runs with the user's environment and user-wide configuration, so its mirrors, proxies
//! and credentials count. It runs in the staging folder and keeps its temporary files and its
//! cache there, for three reasons: whatever a killed installer leaves behind lies in one place,
//! the size of that place tells how far the download is, and what happens does not depend on the
//! folder one happens to stand in.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use crate::install::process;
use crate::install::unpack::Format;
use crate::release::{Archive, Platform};

/// The Python version that the wheel is chosen for, whatever Python the client runs on: the wheel
/// holds no Python code that matters, but asks for 3.10.
const PYTHON_VERSION: &str = "3.12";
/// How long a client may take to say its version.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// A program that downloads packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// `uv`. It unpacks what it downloads, so it is told the sha256 and checks it itself.
    Uv,
    /// `pip`, as `pip`, `pip3`, `python3 -m pip`, `python -m pip` or `py -m pip`.
    Pip,
    /// `npm`.
    Npm,
}

impl Client {
    /// All clients, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Uv, Self::Pip, Self::Npm];

    /// Its name: `uv`, `pip` or `npm`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Pip => "pip",
            Self::Npm => "npm",
        }
    }

    /// The archive that it downloads, if the release was published for it.
    #[must_use]
    pub const fn archive(self, platform: &Platform) -> Option<&Archive> {
        match self {
            Self::Uv | Self::Pip => platform.wheel.as_ref(),
            Self::Npm => platform.npm.as_ref(),
        }
    }

    /// The ways to call it, best first.
    const fn calls(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Uv => &[&["uv"]],
            Self::Pip => &[
                &["pip"],
                &["pip3"],
                &["python3", "-m", "pip"],
                &["python", "-m", "pip"],
                &["py", "-m", "pip"],
            ],
            Self::Npm => &[&["npm"]],
        }
    }

    /// The first way to call it that works on this search path.
    ///
    /// A name alone says little: `python3` often has no pip, and a version manager leaves
    /// stand-ins that only say what is not installed. So each is asked for its version.
    pub(crate) fn find(self, search_path: &OsStr) -> Option<Program> {
        self.calls().iter().find_map(|call| {
            let (name, arguments) = call.split_first()?;
            let program = Program {
                path: find_program(name, search_path)?,
                arguments,
            };
            let mut question = program.command(search_path);
            question.arg("--version");
            process::run(&question, None, ANSWER_PATIENCE, || 0)
                .is_ok()
                .then_some(program)
        })
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Client {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|client| client.name() == name)
            .ok_or_else(|| format!("`{name}` is none of uv, pip and npm"))
    }
}

/// A client that was found.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl Program {
    fn command(&self, search_path: &OsStr) -> Command {
        let mut command = Command::new(&self.path);
        // A script finds its interpreter on the path on which it was itself found.
        command.args(self.arguments).env("PATH", search_path);
        command
    }
}

/// The folders of one download, all in one staging folder.
#[derive(Debug)]
pub(crate) struct Folders {
    /// The working folder, where pip and npm put the archive and uv the unpacked files.
    pub(crate) download: PathBuf,
    /// For temporary files.
    temporary: PathBuf,
    /// For what the client would otherwise keep.
    cache: PathBuf,
}

impl Folders {
    /// Makes them.
    pub(crate) fn create(staging: &Path) -> io::Result<Self> {
        let folders = Self {
            download: staging.join("download"),
            temporary: staging.join("tmp"),
            cache: staging.join("client"),
        };
        fs::create_dir(&folders.download)?;
        fs::create_dir(&folders.temporary)?;
        fs::create_dir(&folders.cache)?;
        Ok(folders)
    }
}

/// A download that is about to start.
#[derive(Debug)]
pub(crate) struct Order {
    /// What to run.
    pub(crate) command: Command,
    /// What it will leave behind.
    pub(crate) delivery: Delivery,
    /// Where bytes appear while it runs.
    pub(crate) growing: Growing,
}

/// What a client leaves behind.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// An archive in this folder.
    Archive {
        /// The folder.
        folder: PathBuf,
        /// Its format, which also is its extension.
        format: Format,
    },
    /// Unpacked files at this place, from an archive whose sha256 the client has checked.
    Tree(PathBuf),
}

/// How to see how far a client is.
#[derive(Debug)]
pub(crate) enum Growing {
    /// The archive is written as one file, perhaps copied from folder to folder.
    LargestFile {
        /// The folders.
        folders: Vec<PathBuf>,
        /// The size it will have.
        total: u64,
    },
    /// The files are written unpacked.
    AllFiles {
        /// The folders.
        folders: Vec<PathBuf>,
        /// The size they will have together.
        total: u64,
    },
}

impl Client {
    /// The command that downloads the archive of a platform.
    ///
    /// # Errors
    ///
    /// When a file that the client reads cannot be written.
    pub(crate) fn order(
        self,
        program: &Program,
        search_path: &OsStr,
        platform: &Platform,
        archive: &Archive,
        folders: &Folders,
    ) -> io::Result<Order> {
        let mut command = program.command(search_path);
        command.current_dir(&folders.download);
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, &folders.temporary);
        }
        let spec: &str = &archive.spec;
        let largest_file = |folders: &[&PathBuf]| Growing::LargestFile {
            folders: folders.iter().map(|&folder| folder.clone()).collect(),
            total: archive.size,
        };
        match self {
            Self::Uv => {
                // uv has no command that delivers the archive. It hashes what it downloads while
                // it unpacks into its cache, and discards it unless the hash is this one.
                let requirements = folders.temporary.join("requirements.txt");
                fs::write(
                    &requirements,
                    format!("{spec} --hash=sha256:{}\n", archive.sha256),
                )?;
                command.args(["pip", "install", "--require-hashes", "--requirement"]);
                command
                    .arg(&requirements)
                    .arg("--target")
                    .arg(&folders.download);
                command.args(["--no-deps", "--only-binary", ":all:"]);
                command.args(["--python-version", PYTHON_VERSION]);
                // uv knows its platforms by the names of Rust targets.
                command.arg("--python-platform").arg(&*platform.target);
                command
                    .arg("--cache-dir")
                    .arg(&folders.cache)
                    .args(["--link-mode", "hardlink"]);
                command.args(["--no-progress", "--color", "never"]);
                Ok(Order {
                    command,
                    delivery: Delivery::Tree(folders.download.join(&*archive.root)),
                    growing: Growing::AllFiles {
                        folders: vec![folders.cache.clone()],
                        total: archive.unpacked,
                    },
                })
            }
            Self::Pip => {
                command.args(["download", "--no-deps", "--only-binary=:all:"]);
                // Not what pip's Python runs on, which may be emulated or old.
                command.args([
                    "--platform",
                    &archive.tag,
                    "--python-version",
                    PYTHON_VERSION,
                ]);
                command.args([
                    "--no-cache-dir",
                    "--no-input",
                    "--disable-pip-version-check",
                ]);
                command.args(["--progress-bar", "off", "--dest"]);
                command.arg(&folders.download).arg(spec);
                // It would ask for a hash in the requirement. Ours is compared after pip is done.
                command.env_remove("PIP_REQUIRE_HASHES");
                Ok(Order {
                    command,
                    delivery: Delivery::Archive {
                        folder: folders.download.clone(),
                        format: Format::Zip,
                    },
                    growing: largest_file(&[&folders.temporary, &folders.download]),
                })
            }
            Self::Npm => {
                command
                    .arg("pack")
                    .arg(spec)
                    .arg("--pack-destination")
                    .arg(&folders.download);
                command
                    .arg("--cache")
                    .arg(&folders.cache)
                    .args(["--ignore-scripts"]);
                command.args(["--loglevel", "error", "--no-update-notifier"]);
                Ok(Order {
                    command,
                    delivery: Delivery::Archive {
                        folder: folders.download.clone(),
                        format: Format::TarGz,
                    },
                    growing: largest_file(&[&folders.cache, &folders.download]),
                })
            }
        }
    }
}

/// Finds a program as the system would, but for relative folders: the client runs in another
/// folder than we do.
fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    let extensions: &[&str] = if cfg!(windows) {
        &["exe", "cmd", "bat"]
    } else {
        &[""]
    };
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| {
            extensions.iter().find_map(|extension| {
                let mut file = OsString::from(name);
                if !extension.is_empty() {
                    file.push(".");
                    file.push(extension);
                }
                Some(folder.join(file)).filter(|path| is_program(path))
            })
        })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
