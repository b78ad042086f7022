//! Windows programs on this machine: [`Wine`].

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::platforms::tools;

/// How long the first start may take, which makes the folders of a Windows machine.
const BOOT_PATIENCE: Duration = Duration::from_secs(120);

/// Wine 8 lacks this library, and Rust's standard library asks its one function for random bytes.
const SHIM: &str = "\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x40000000 ? 0x40000000 : (ULONG)length;
        if (!SystemFunction036(data, part))
            return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
";

/// A Windows machine in a temporary folder, which ends and vanishes with this value.
pub(crate) struct Wine {
    program: PathBuf,
    prefix: TempDir,
}

impl Wine {
    /// Sets it up.
    pub(crate) fn start() -> Result<Self> {
        let program = tools::wine().context("Wine is gone")?;
        let prefix = tempfile::tempdir().context("no folder for Wine")?;
        let wine = Self { program, prefix };
        let mut boot = wine.command(Path::new("wineboot"));
        boot.arg("--init")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match run_for(&mut boot, BOOT_PATIENCE).context("cannot run Wine")? {
            Some(status) if status.success() => {}
            Some(status) => bail!("Wine could not be set up ({status})"),
            None => bail!(
                "Wine could not be set up within {} s",
                BOOT_PATIENCE.as_secs()
            ),
        }
        wine.add_shim()?;
        Ok(wine)
    }

    fn add_shim(&self) -> Result<()> {
        let folder = self.prefix.path().join("drive_c/windows/system32");
        let library = folder.join("bcryptprimitives.dll");
        if library.exists() {
            return Ok(());
        }
        let source = self.prefix.path().join("shim.c");
        fs::write(&source, SHIM).context("cannot write the library that Wine lacks")?;
        let status = Command::new(tools::MINGW)
            .args(["-shared", "-O2", "-o"])
            .args([&library, &source])
            .arg("-ladvapi32")
            .status()
            .with_context(|| format!("cannot run {}", tools::MINGW))?;
        if !status.success() {
            bail!("the library that Wine lacks could not be built ({status})");
        }
        Ok(())
    }

    /// A Windows program with its environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(program).stdin(Stdio::null());
        self.set(&mut command);
        command
    }

    fn set(&self, command: &mut Command) {
        command.env("WINEPREFIX", self.prefix.path());
        // Messages of Wine's own, and questions whether to install Mono and Gecko.
        command.env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Ends whatever still runs in this prefix, and in no other.
        let server = ["wineserver", "wineserver64"]
            .into_iter()
            .find_map(tools::on_path);
        let server = server.unwrap_or_else(|| "/usr/lib/wine/wineserver".into());
        for argument in ["--kill", "--wait"] {
            let mut command = Command::new(&server);
            self.set(&mut command);
            command
                .arg(argument)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let _ = run_for(&mut command, Duration::from_secs(30));
        }
    }
}

/// How a file of this machine is called on the other.
pub(crate) fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}

/// What a program wrote, and its status unless it was ended for taking too long.
pub(crate) struct Ended {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) output: String,
}

/// Runs a command with its output in a file, which no program that it leaves behind can hold up.
pub(crate) fn output_of(command: &mut Command, patience: Duration) -> Result<Ended> {
    let file = tempfile::NamedTempFile::new().context("no file for output")?;
    let open = || File::options().append(true).open(file.path());
    command.stdout(open()?).stderr(open()?);
    let status = run_for(command, patience)?;
    let output = fs::read(file.path()).context("cannot read the output")?;
    let output = String::from_utf8_lossy(&output).replace('\r', "");
    Ok(Ended { status, output })
}

fn run_for(command: &mut Command, patience: Duration) -> Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            end_it(&mut child);
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn end_it(child: &mut Child) {
    // Both fail only when it has ended.
    let _ = child.kill();
    let _ = child.wait();
}
