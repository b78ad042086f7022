//! The real runtime, through the package client of this machine.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use openai_codex_runtime::{Cache, Error, Installer, VERSION, verify};

/// Set to download the runtime even though it is installed.
const DOWNLOAD: &str = "OPENAI_CODEX_TEST_DOWNLOAD";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

#[test]
fn the_pinned_runtime_is_installed_found_verified_and_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::at(folder.path());
    let installed = match Cache::user().and_then(|user| user.locate()) {
        // Every run would fetch 150 MB again; the gate does, to test the download too.
        Ok(Some(present)) if std::env::var_os(DOWNLOAD).is_none() => {
            let root = folder.path().join("runtime").join(
                present
                    .root()
                    .file_name()
                    .expect("a runtime has a folder of its own"),
            );
            copy(present.root(), &root);
            root
        }
        _ => {
            // Past the capture of the test harness: this takes seconds and a network.
            let _ = writeln!(
                std::io::stderr(),
                "downloading codex runtime {VERSION} (about 150 MB) into a temporary folder, to test the installer"
            );
            let installer = Installer::new().cache(cache.clone());
            installer.install().expect("installed").root().to_owned()
        }
    };

    let runtime = cache
        .locate()
        .expect("the cache can be read")
        .expect("it is installed");
    assert_eq!(runtime.root(), installed);
    verify(&runtime).expect("it is what was published");

    let output = Command::new(runtime.binary())
        .arg("--version")
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(runtime.version()), "{text}");
    let tools = runtime.path_dir().expect("it comes with tools");
    let output = Command::new(tools.join("rg"))
        .arg("--version")
        .output()
        .expect("it starts");
    assert!(output.status.success());

    let binary = format!("{}\n", runtime.binary().display());
    for command in ["install", "locate", "verify"] {
        let output = run(folder.path(), command);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), binary);
    }

    flip_a_byte(runtime.binary());
    let error = verify(&runtime).expect_err("it has changed");
    assert!(matches!(error, Error::HashMismatch { .. }), "{error:?}");
    assert_eq!(
        run(folder.path(), "locate").status.code(),
        Some(0),
        "a look shows no difference"
    );
    assert_eq!(run(folder.path(), "verify").status.code(), Some(4));
    // It sees the damage and would mend it, but for the client that it has not got.
    assert_eq!(run(folder.path(), "install").status.code(), Some(1));
}

fn run(cache: &Path, command: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_openai-codex-runtime"))
        .arg(command)
        .arg("--cache")
        .arg(cache)
        .env("PATH", "")
        .output()
        .expect("it starts")
}

fn flip_a_byte(path: &Path) {
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("our own file");
    let mut byte = [0];
    file.seek(SeekFrom::Start(1_000_000)).expect("it is larger");
    file.read_exact(&mut byte).expect("it is larger");
    file.seek_relative(-1).expect("just read");
    file.write_all(&[!byte[0]]).expect("written");
}
