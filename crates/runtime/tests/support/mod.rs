//! A made-up release, and package clients that serve it from a private search path.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::borrow::Cow;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use openai_codex_runtime::{
    Archive, Cache, Client, Installer, PinnedFile, Platform, Release, current_target,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

pub(crate) const BINARY: &str = "bin/codex";
pub(crate) const WHEEL: &str = "made_up-1.2.3-py3-none-any.whl";
pub(crate) const NPM: &str = "made-up-1.2.3-any.tgz";
const WHEEL_ROOT: &str = "codex_cli_bin";
const NPM_ROOT: &str = "package/vendor/any";

/// The files of the made-up release: path, content, permissions.
pub(crate) const FILES: [(&str, &str, u32); 4] = [
    (BINARY, "#!/bin/sh\necho made-up codex\n", 0o755),
    ("codex-package.json", "{}\n", 0o644),
    ("codex-path/rg", "#!/bin/sh\necho made-up rg\n", 0o755),
    (
        "codex-resources/bwrap",
        "#!/bin/sh\necho made-up bwrap\n",
        0o755,
    ),
];

/// A folder with the archives of a release, clients that serve them, and a cache.
pub(crate) struct World {
    folder: PathBuf,
    pub(crate) release: Release,
    _temp: Option<TempDir>,
}

impl World {
    /// The made-up release, and no client yet.
    pub(crate) fn new() -> Self {
        let wheel = FILES
            .map(|(path, text, mode)| Entry::file(&format!("{WHEEL_ROOT}/{path}"), text, mode));
        let npm =
            FILES.map(|(path, text, mode)| Entry::file(&format!("{NPM_ROOT}/{path}"), text, mode));
        Self::with_archives(
            &zip_of(
                &[
                    &wheel[..],
                    &[Entry::file("made_up-1.2.3.dist-info/RECORD", "", 0o644)],
                ]
                .concat(),
            ),
            &tar_gz_of(
                &[
                    &[Entry::file("package/package.json", "{}", 0o644)],
                    &npm[..],
                ]
                .concat(),
            ),
        )
    }

    /// A release whose archives are these bytes.
    pub(crate) fn with_archives(wheel: &[u8], npm: &[u8]) -> Self {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let folder = real(temp.path());
        fs::create_dir(folder.join("clients")).expect("a folder for clients");
        fs::write(folder.join(WHEEL), wheel).expect("a wheel");
        fs::write(folder.join(NPM), npm).expect("an npm package");
        Self {
            release: release_of(&folder),
            folder,
            _temp: Some(temp),
        }
    }

    /// The world that another process has made.
    pub(crate) fn open(folder: &Path) -> Self {
        Self {
            release: release_of(folder),
            folder: folder.to_path_buf(),
            _temp: None,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.release.platforms[0]
    }

    pub(crate) fn cache(&self) -> Cache {
        Cache::at(self.folder.join("cache"))
    }

    pub(crate) fn runtimes(&self) -> PathBuf {
        self.folder.join("cache/runtime")
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.runtimes().join(format!("1.2.3-{}", current_target()))
    }

    /// An installer that knows this world only.
    pub(crate) fn installer(&self) -> Installer {
        Installer::new()
            .cache(self.cache())
            .release(self.release.clone())
            .search_path(self.folder.join("clients"))
    }

    /// A client that delivers what a good one would.
    #[cfg(unix)]
    pub(crate) fn good_client(&self, client: Client) {
        let folder = self.folder.display();
        self.client(
            client.name(),
            &match client {
                Client::Pip => format!("cp {folder}/{WHEEL} \"$dest\""),
                Client::Npm => format!("cp {folder}/{NPM} \"$dest\""),
                _ => self.uv_that_unpacks(""),
            },
        );
    }

    /// A client that delivers what a good one would.
    #[cfg(windows)]
    pub(crate) fn good_client(&self, client: Client) {
        let folder = self.folder.display();
        let deliver = match client {
            Client::Pip => format!("copy /b \"{folder}\\{WHEEL}\" \"%dest%\" >nul\n"),
            Client::Npm => format!("copy /b \"{folder}\\{NPM}\" \"%dest%\" >nul\n"),
            _ => self.unpack(),
        };
        self.client(client.name(), &deliver);
    }

    /// What uv does, without the comparison.
    #[cfg(windows)]
    fn unpack(&self) -> String {
        let mut script = String::new();
        for (i, (path, text, _)) in FILES.iter().enumerate() {
            let source = self.folder.join("clients").join(i.to_string());
            fs::write(&source, text).expect("written");
            let path = format!("%dest%\\{WHEEL_ROOT}\\{}", path.replace('/', "\\"));
            let (folder, _) = path.rsplit_once('\\').expect("it has one");
            script += &format!("if not exist \"{folder}\" md \"{folder}\"\n");
            script += &format!("copy /b \"{}\" \"{path}\" >nul\n", source.display());
        }
        script
    }

    /// A client that runs `script`, in which `%dest%` is where it should deliver.
    ///
    /// A batch file, as npm is on Windows. Each call that is not only for its version is noted.
    #[cfg(windows)]
    pub(crate) fn client(&self, name: &str, script: &str) {
        let script = format!(
            "@echo off\nif \"%~1\"==\"--version\" exit /b 0\necho {name} %*>>\"{log}\"\n\
             :next\nif \"%~1\"==\"\" goto deliver\n\
             if \"%~1\"==\"--dest\" set dest=%~2\nif \"%~1\"==\"--target\" set dest=%~2\n\
             if \"%~1\"==\"--pack-destination\" set dest=%~2\nshift\ngoto next\n\
             :deliver\n{script}",
            log = self.folder.join("log").display(),
        );
        let path = self.folder.join("clients").join(format!("{name}.cmd"));
        fs::write(path, script.replace('\n', "\r\n")).expect("written");
    }

    /// What uv does: it compares the hash that it was given, unpacks, and then `after`.
    #[cfg(unix)]
    pub(crate) fn uv_that_unpacks(&self, after: &str) -> String {
        let mut script = format!(
            "grep -q 'hash=sha256:{}' \"$requirement\" || exit 9\n",
            self.platform().wheel.as_ref().expect("a wheel").sha256
        );
        for (path, text, mode) in FILES {
            let file = format!("\"$dest\"/{WHEEL_ROOT}/{path}");
            script += &format!(
                "mkdir -p \"$(dirname {file})\"\nprintf %s '{text}' > {file}\nchmod {mode:o} {file}\n"
            );
        }
        script + after
    }

    /// A client that runs `script`, in which `$dest` is where it should deliver.
    ///
    /// Each call that is not only for its version is noted in a log.
    #[cfg(unix)]
    pub(crate) fn client(&self, name: &str, script: &str) {
        self.program(
            name,
            &format!(
                r#"PATH=/usr/bin:/bin
case "$*" in *--version) echo {name} 1.0; exit 0;; esac
echo "{name} $*" >> {log}
while [ $# -gt 0 ]; do
  case $1 in
    --dest|--target|--pack-destination) dest=$2; shift;;
    --requirement) requirement=$2; shift;;
  esac
  shift
done
{script}
"#,
                log = self.folder.join("log").display(),
            ),
        );
    }

    /// Any program on the search path.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::process::{Command, Stdio};

        let path = self.folder.join("clients").join(name);
        // A program cannot be started while anyone has it open for writing, and whatever this
        // process has open, a child that another test starts has open too for a moment.
        let mut shell = Command::new("/bin/sh")
            .args([
                "-c",
                r#"cat > "$1.new" && chmod 755 "$1.new" && mv "$1.new" "$1""#,
                "sh",
            ])
            .arg(path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut input = shell.stdin.take().expect("piped");
        write!(input, "#!/bin/sh\n{script}").expect("the shell reads");
        drop(input);
        assert!(shell.wait().expect("the shell ends").success());
    }

    /// The calls of clients so far, without those for a version.
    #[track_caller]
    pub(crate) fn calls(&self) -> Vec<String> {
        match fs::read_to_string(self.folder.join("log")) {
            Ok(log) => log.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("the log cannot be read: {error}"),
        }
    }

    /// Checks that the release is installed in full, and that nothing else has been left behind.
    #[track_caller]
    pub(crate) fn assert_installed(&self) {
        let runtime = self.cache().locate_release(&self.release, self.platform());
        let runtime = runtime
            .expect("the cache can be read")
            .expect("it is installed");
        assert_eq!(runtime.root(), self.root());
        assert_eq!(runtime.binary(), self.root().join(BINARY));
        assert_eq!(runtime.path_dir(), Some(&*self.root().join("codex-path")));
        for (path, text, mode) in FILES {
            let path = self.root().join(path);
            assert_eq!(
                fs::read_to_string(&path).expect("a file of the release"),
                text
            );
            assert_mode(&path, mode);
        }
        openai_codex_runtime::verify(&runtime).expect("it is what was published");
        self.assert_nothing_half_done();
    }

    /// Checks that no runtime is installed, and that nothing else has been left behind.
    #[track_caller]
    pub(crate) fn assert_not_installed(&self) {
        let found = self.cache().locate_release(&self.release, self.platform());
        assert!(found.expect("the cache can be read").is_none());
        assert!(!self.root().exists());
        self.assert_nothing_half_done();
    }

    #[track_caller]
    pub(crate) fn assert_nothing_half_done(&self) {
        assert_eq!(
            names_in(&self.runtimes().join(".staging")),
            Vec::<String>::new()
        );
        // Whatever an archive or a client does, it stays in its folder.
        let mut here = names_in(&self.folder);
        here.retain(|name| !["cache", "clients", "log", NPM, WHEEL].contains(&name.as_str()));
        assert_eq!(here, Vec::<String>::new());
    }
}

/// The name of a folder that a client is told, which no link is a part of.
#[cfg(unix)]
fn real(path: &Path) -> PathBuf {
    path.canonicalize().expect("it exists")
}

/// The name of a folder that a client is told. As the system would write it, no batch file can use it.
#[cfg(windows)]
fn real(path: &Path) -> PathBuf {
    path.to_owned()
}

#[cfg(unix)]
#[track_caller]
fn assert_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    let found = fs::metadata(path)
        .expect("it was read")
        .permissions()
        .mode();
    assert_eq!(found & 0o777, mode, "{}", path.display());
}

/// Windows knows no permissions of this kind.
#[cfg(windows)]
fn assert_mode(_: &Path, _: u32) {}

/// An entry of an archive.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    File(u32),
    Symlink,
    Hardlink,
    Fifo,
}

impl Entry {
    pub(crate) fn file(name: &str, text: &str, mode: u32) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            kind: Kind::File(mode),
        }
    }

    /// Any other kind, with where it leads.
    pub(crate) fn other(name: &str, kind: Kind, target: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: target.to_owned(),
            kind,
        }
    }
}

pub(crate) fn zip_of(entries: &[Entry]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let options = SimpleFileOptions::default();
        match entry.kind {
            Kind::File(mode) => {
                let options = options.unix_permissions(mode);
                zip.start_file(entry.name.clone(), options)
                    .expect("a new entry");
                zip.write_all(entry.text.as_bytes())
                    .expect("memory takes all writes");
            }
            Kind::Symlink => {
                zip.add_symlink(entry.name.clone(), entry.text.clone(), options)
                    .expect("a new entry");
            }
            Kind::Hardlink | Kind::Fifo => panic!("no such thing in a zip"),
        }
    }
    zip.finish().expect("memory takes all writes").into_inner()
}

pub(crate) fn tar_gz_of(entries: &[Entry]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for entry in entries {
        let mut header = tar::Header::new_old();
        // Not through the setter, which refuses what these tests are about.
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        let (kind, mode, content) = match entry.kind {
            Kind::File(mode) => (tar::EntryType::Regular, mode, entry.text.as_str()),
            Kind::Symlink => (tar::EntryType::Symlink, 0o777, ""),
            Kind::Hardlink => (tar::EntryType::Link, 0o644, ""),
            Kind::Fifo => (tar::EntryType::Fifo, 0o644, ""),
        };
        if matches!(entry.kind, Kind::Symlink | Kind::Hardlink) {
            header.set_link_name(&entry.text).expect("a short name");
        }
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content.as_bytes())
            .expect("memory takes all writes");
    }
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .expect("memory takes all writes")
}

/// The release that consists of the archives in this folder.
fn release_of(folder: &Path) -> Release {
    let archive = |spec: &'static str, file: &'static str, root: &'static str| {
        let bytes = fs::read(folder.join(file)).expect("an archive");
        Archive {
            spec: spec.into(),
            tag: "any".into(),
            file: file.into(),
            size: bytes.len() as u64,
            sha256: hash(&bytes),
            root: root.into(),
            unpacked: FILES.iter().map(|(_, text, _)| text.len() as u64).sum(),
        }
    };
    let files = FILES.map(|(path, text, _)| PinnedFile {
        path: path.into(),
        size: text.len() as u64,
        sha256: hash(text.as_bytes()),
    });
    let [binary, siblings @ ..] = files;
    let platform = Platform {
        target: current_target(),
        path_dir: "codex-path".into(),
        binary,
        siblings: siblings.to_vec().into(),
        wheel: Some(archive("made-up==1.2.3", WHEEL, WHEEL_ROOT)),
        npm: Some(archive("made-up@1.2.3-any", NPM, NPM_ROOT)),
    };
    Release {
        version: "1.2.3".into(),
        platforms: vec![platform].into(),
    }
}

pub(crate) fn hash(bytes: &[u8]) -> Cow<'static, str> {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into()
}

/// The names in a folder, in order; none if it does not exist.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
