//! What a system takes for a command line and an environment, and what to do where it does not.

use std::ffi::OsStr;
use std::io::{self, ErrorKind as Io};
use std::path::Path;

use super::{LaunchOptions, Program};
use crate::error::{Error, ErrorKind};

/// How long one argument, or one variable with its name, may be. None where only their sum is
/// limited.
const LONGEST: Option<usize> = if cfg!(any(target_os = "linux", target_os = "android")) {
    // 32 pages, with the NUL at the end.
    Some(128 * 1024 - 1)
} else if cfg!(windows) {
    Some(32_766)
} else {
    None
};

/// What goes over stdin, and so has no such limit.
const OVER_STDIN: &str = "give it to the threads, by thread_start().config(…) or \
                          developer_instructions(…), which have no such limit";

impl LaunchOptions {
    /// Fails if the system would take an argument or a variable for the reason that it is too
    /// long or has a NUL in it: it would not say which one.
    pub fn check(&self, config: &[String]) -> Result<(), Error> {
        for setting in config {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            let option = format!("config_override: the value of `{key}`");
            check(&option, value.len(), setting.as_ref(), OVER_STDIN)?;
        }
        for (name, value) in &self.env {
            let option = format!("env: the variable `{}`", name.display());
            let both = name.len() + 1 + value.len();
            let way_out = "write it into a file and give the runtime its path";
            if has_nul(name) {
                check("env: the name of a variable", name.len(), name, way_out)?;
            }
            if has_nul(value) || LONGEST.is_none_or(|longest| both <= longest) {
                check(&option, value.len(), value, way_out)?;
            } else {
                return Err(too_long(&option, value.len(), way_out));
            }
        }
        if let Program::Command(argv) = &self.program {
            for (number, argument) in argv.iter().enumerate() {
                let option = format!("launch_command: the argument {number}");
                check(&option, argument.len(), argument, "write it into a file")?;
            }
        }
        Ok(())
    }
}

fn check(option: &str, length: usize, whole: &OsStr, way_out: &str) -> Result<(), Error> {
    if has_nul(whole) {
        let message = format!(
            "{option} has {length} bytes, a NUL among them, which no system takes; leave the NUL out"
        );
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    if LONGEST.is_some_and(|longest| whole.len() > longest) {
        return Err(too_long(option, length, way_out));
    }
    Ok(())
}

fn too_long(option: &str, length: usize, way_out: &str) -> Error {
    let longest = LONGEST.unwrap_or_default();
    let message = format!(
        "{option} has {length} bytes, and one argument or variable of a program may have at most \
         {longest} here; {way_out}"
    );
    Error::new(ErrorKind::InvalidInput, message)
}

fn has_nul(text: &OsStr) -> bool {
    text.as_encoded_bytes().contains(&0)
}

/// Why a program could not be started, and what to do about it.
pub(crate) fn cannot_start(launch: &LaunchOptions, error: io::Error) -> Error {
    let program = launch.program();
    let advice = advice(program, launch.cwd.as_deref(), &error);
    let message = match advice {
        Some(advice) => format!("cannot start {}: {error}; {advice}", program.display()),
        // Ours, and says it all.
        None => format!("cannot start {}: {error}", program.display()),
    };
    Error::new(ErrorKind::Launch, message).with_source(error)
}

/// What to do about an error of the system's.
fn advice(program: &Path, cwd: Option<&Path>, error: &io::Error) -> Option<String> {
    // Of Unix; Windows' numbers are others, and those above 100 are its own.
    const ENOEXEC: i32 = 8;
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    const BAD_FORMAT: i32 = 193;

    let number = error.raw_os_error()?;
    let is_file = program.components().count() > 1 && program.exists();
    let advice = match error.kind() {
        Io::ArgumentListTooLong => "the arguments and the environment are too long together: give \
                                    the longest values of config_override to the threads, by \
                                    thread_start().config(…) or developer_instructions(…), and \
                                    set fewer or shorter variables by env"
            .to_owned(),
        Io::NotFound if cwd.is_some_and(|cwd| !cwd.is_dir()) => {
            "its working directory (cwd) is gone; create it again".to_owned()
        }
        Io::NotFound if is_file => "the file is there, and the interpreter or loader that it \
                                    names is not: it is made for another system, or its first \
                                    line names a program that is missing; install the runtime \
                                    again by `openai-codex-runtime install`"
            .to_owned(),
        Io::NotFound => "there is no such program; check the path, or install the runtime by \
                         `openai-codex-runtime install`"
            .to_owned(),
        Io::PermissionDenied if program.is_dir() => {
            "that is a folder; name the program in it".to_owned()
        }
        Io::PermissionDenied => "it may not be executed: set its permission (chmod +x), check \
                                 those of the folders above it and of cwd, and that its file \
                                 system is not mounted noexec"
            .to_owned(),
        Io::ExecutableFileBusy => "somebody is writing to the file, as an installation does; \
                                   start it again when that has ended"
            .to_owned(),
        Io::OutOfMemory => "there is not enough memory; end other programs".to_owned(),
        Io::WouldBlock => "there are too many processes or threads (ulimit -u, the limits of the \
                           container); end some, or raise the limit"
            .to_owned(),
        _ if cfg!(unix) && number == ENOEXEC || number == BAD_FORMAT => {
            "it is no program for this system: a script without `#!`, a file cut short, or one \
             for another architecture; install the runtime by `openai-codex-runtime install`"
                .to_owned()
        }
        _ if cfg!(unix) && TOO_MANY_FILES.contains(&number) => {
            "too many files are open; close some, or raise the limit (ulimit -n)".to_owned()
        }
        _ => format!("check {} by starting it by hand", program.display()),
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &LaunchOptions, config: &[String]) -> String {
        let error = options.check(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn what_no_system_takes_is_refused_with_the_option_and_the_way_out() {
        let none = LaunchOptions::default();
        assert!(none.check(&["a=\"b\"".to_owned()]).is_ok());
        let told = refused(&none, &["model=\"a\0b\"".to_owned()]);
        assert!(told.contains("`model`") && told.contains("NUL"), "{told}");
        for (name, value) in [("A", "b\0"), ("A\0", "b")] {
            let env = vec![(name.into(), value.into())];
            let options = LaunchOptions {
                env,
                ..LaunchOptions::default()
            };
            let told = refused(&options, &[]);
            assert!(told.starts_with("env: ") && told.contains("NUL"), "{told}");
        }
        let program = Program::Command(vec!["codex".into(), "a\0".into()]);
        let options = LaunchOptions {
            program,
            ..LaunchOptions::default()
        };
        assert!(refused(&options, &[]).contains("launch_command: the argument 1"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_too_long_for_linux_is_refused_to_the_byte() {
        let none = LaunchOptions::default();
        let fits = format!("k={}", "x".repeat(128 * 1024 - 3));
        assert!(none.check(std::slice::from_ref(&fits)).is_ok());
        let told = refused(&none, &[format!("{fits}x")]);
        assert!(told.contains("`k` has 131070 bytes"), "{told}");
        assert!(told.contains("thread_start().config(…)"), "{told}");
        let of = |length: usize| LaunchOptions {
            env: vec![("KEY".into(), "x".repeat(length).into())],
            ..LaunchOptions::default()
        };
        assert!(of(128 * 1024 - 5).check(&[]).is_ok());
        let told = refused(&of(128 * 1024 - 4), &[]);
        assert!(told.contains("`KEY` has 131068 bytes"), "{told}");
        // As the system sees it.
        let started = |length: usize| {
            let mut command = std::process::Command::new("/bin/true");
            command.env_clear().env("KEY", "x".repeat(length));
            command.status()
        };
        assert!(started(128 * 1024 - 5).is_ok());
        assert!(started(128 * 1024 - 4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn each_error_of_the_system_has_its_own_advice() {
        let mut seen = std::collections::BTreeSet::new();
        for (number, word) in [
            (7, "too long together"),
            (2, "no such program"),
            (13, "chmod +x"),
            (8, "no program for this system"),
            (26, "somebody is writing"),
            (12, "memory"),
            (24, "ulimit -n"),
            (5, "by hand"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            let told = cannot_start(&LaunchOptions::default(), error).to_string();
            assert!(told.contains(word), "{number}: {told}");
            assert!(told.contains(&format!("os error {number}")), "{told}");
            assert!(seen.insert(told.split_once("; ").unwrap().1.to_owned()));
        }
        let here = LaunchOptions {
            program: Program::Command(vec![std::env::current_exe().unwrap().into()]),
            ..LaunchOptions::default()
        };
        let told = cannot_start(&here, io::Error::from_raw_os_error(2)).to_string();
        assert!(told.contains("the file is there"), "{told}");
        let ours = io::Error::new(Io::InvalidInput, "the launch command is empty");
        let told = cannot_start(&here, ours).to_string();
        assert!(told.ends_with(": the launch command is empty"), "{told}");
    }
}
