//! The runtime as a child process: how it is started, and how it ends.

mod child;
#[cfg(target_os = "linux")]
mod family;
mod limits;
mod orphans;
mod stderr;
#[cfg(unix)]
mod watch;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use child::{ChildProcess, GRACE, Pipes};
pub(crate) use limits::cannot_start;
pub(crate) use stderr::{StderrTail, last_words};

/// Names a file that the child's stderr is copied to.
const STDERR_VARIABLE: &str = "OPENAI_CODEX_STDERR";

/// How to start the runtime.
#[derive(Clone, Debug, Default)]
pub struct LaunchOptions {
    /// What to start.
    pub program: Program,
    /// The child's working directory.
    pub cwd: Option<PathBuf>,
    /// Variables that are set for the child, over the inherited ones.
    pub env: Vec<(OsString, OsString)>,
    /// Whether the child inherits no variables.
    pub env_clear: bool,
    /// Folders that go first on the child's `PATH`.
    pub path_prefix: Vec<PathBuf>,
}

/// What to start.
#[derive(Clone, Debug)]
pub enum Program {
    /// The runtime's binary, told to be an app-server on stdio.
    Runtime {
        /// The binary.
        bin: PathBuf,
        /// `key=value` in TOML, each given as `--config`.
        config: Vec<String>,
    },
    /// A command line that is taken as it is.
    Command(Vec<OsString>),
}

impl Default for Program {
    fn default() -> Self {
        Self::Runtime {
            bin: "codex".into(),
            config: Vec::new(),
        }
    }
}

impl LaunchOptions {
    /// The command line and environment of the child.
    pub fn command(&self) -> io::Result<Command> {
        let mut command = match &self.program {
            Program::Runtime { bin, config } => {
                let mut command = app_server(bin, config);
                command.args(["--listen", "stdio://"]);
                command
            }
            Program::Command(argv) => {
                let Some((program, arguments)) = argv.split_first() else {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the launch command is empty",
                    ));
                };
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        };
        self.furnish(&mut command)?;
        Ok(command)
    }

    /// The command that has the runtime write its schema into a folder.
    pub fn schema_command(&self, folder: &Path) -> io::Result<Command> {
        let Program::Runtime { bin, config } = &self.program else {
            let message = "a custom launch command cannot be asked for its schema";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        };
        let mut command = app_server(bin, config);
        command.args(["generate-json-schema", "--experimental", "--out"]);
        command.arg(folder);
        self.furnish(&mut command)?;
        Ok(command)
    }

    /// Gives a command the child's folder and environment.
    fn furnish(&self, command: &mut Command) -> io::Result<()> {
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if self.env_clear {
            command.env_clear();
        }
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        if !self.path_prefix.is_empty() {
            command.env("PATH", self.path()?);
        }
        // It is for this child, and not for a runtime that its commands start.
        command.env_remove(STDERR_VARIABLE);
        Ok(())
    }

    /// The file that the child's stderr is copied to, if its environment names one.
    pub fn stderr_copy(&self) -> io::Result<Option<File>> {
        let path = self.variable(STDERR_VARIABLE);
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        stderr::append_to(Path::new(&path))
            .map(Some)
            .map_err(|error| {
                let path = Path::new(&path).display();
                let message = format!("{STDERR_VARIABLE} names {path}: {error}");
                io::Error::new(error.kind(), message)
            })
    }

    /// What to call the program in a message.
    pub fn program(&self) -> &Path {
        match &self.program {
            Program::Runtime { bin, .. } => bin,
            Program::Command(argv) => Path::new(argv.first().map_or(OsStr::new(""), |arg| arg)),
        }
    }

    /// The child's `PATH`: the prefix, then what it would have been without.
    fn path(&self) -> io::Result<OsString> {
        let rest = self.variable("PATH").unwrap_or_default();
        let rest = std::env::split_paths(&rest)
            .filter(|folder| !folder.as_os_str().is_empty() && !self.path_prefix.contains(folder));
        std::env::join_paths(self.path_prefix.iter().cloned().chain(rest))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    /// A variable of the child's environment.
    fn variable(&self, name: &str) -> Option<OsString> {
        let is_it = |key: &OsStr| key == name || cfg!(windows) && key.eq_ignore_ascii_case(name);
        match self.env.iter().rev().find(|(key, _)| is_it(key)) {
            Some((_, value)) => Some(value.clone()),
            None => std::env::var_os(name).filter(|_| !self.env_clear),
        }
    }
}

/// The runtime's binary as an app-server.
fn app_server(bin: &Path, config: &[String]) -> Command {
    let mut command = Command::new(bin);
    for setting in config {
        command.arg("--config").arg(setting);
    }
    command.arg("app-server");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(options: &LaunchOptions) -> Vec<String> {
        let command = options.command().unwrap();
        command
            .get_args()
            .map(|argument| argument.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn overrides_stand_before_the_subcommand() {
        let options = LaunchOptions {
            program: Program::Runtime {
                bin: "/bin/codex".into(),
                config: vec!["model=\"a b\"".into(), "features.x=true".into()],
            },
            ..LaunchOptions::default()
        };
        assert_eq!(
            arguments(&options),
            [
                "--config",
                "model=\"a b\"",
                "--config",
                "features.x=true",
                "app-server",
                "--listen",
                "stdio://"
            ]
        );
    }

    #[test]
    fn a_command_line_is_taken_as_it_is() {
        let program = Program::Command(vec!["ssh".into(), "host".into(), "codex".into()]);
        let options = LaunchOptions {
            program,
            ..LaunchOptions::default()
        };
        assert_eq!(arguments(&options), ["host", "codex"]);
        let empty = LaunchOptions {
            program: Program::Command(Vec::new()),
            ..LaunchOptions::default()
        };
        assert!(empty.command().is_err());
    }

    #[test]
    fn the_copy_of_stderr_is_for_this_child_only() {
        let nowhere = std::env::temp_dir().join("no/such/folder/stderr.log");
        let mut options = LaunchOptions {
            env: vec![(STDERR_VARIABLE.into(), nowhere.into())],
            ..LaunchOptions::default()
        };
        let error = options.stderr_copy().unwrap_err().to_string();
        assert!(error.contains(STDERR_VARIABLE), "{error}");
        let command = options.command().unwrap();
        assert!(
            command
                .get_envs()
                .any(|it| it == (OsStr::new(STDERR_VARIABLE), None))
        );

        options.env.push((STDERR_VARIABLE.into(), "".into()));
        assert!(options.stderr_copy().unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn the_prefix_goes_first_on_the_path_and_nowhere_else() {
        let options = LaunchOptions {
            env: vec![("PATH".into(), "/a::/rg:/b".into())],
            path_prefix: vec!["/rg".into()],
            ..LaunchOptions::default()
        };
        let command = options.command().unwrap();
        let path = command.get_envs().find(|(key, _)| *key == "PATH").unwrap();
        assert_eq!(path.1.unwrap(), "/rg:/a:/b");
    }
}
