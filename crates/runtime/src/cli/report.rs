//! What the program says on standard error: a bar on a terminal, plain lines elsewhere.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use openai_codex_runtime::{Client, Error, Progress};

/// Says what an installation is doing.
#[derive(Debug)]
pub(crate) struct Reporter {
    terminal: bool,
    step: Option<Step>,
    bar: Option<ProgressBar>,
}

/// What has been announced, so that it is announced once.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Download(Client),
    Check,
    Unpack,
    Verify,
}

impl Reporter {
    pub(crate) fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            step: None,
            bar: None,
        }
    }

    pub(crate) fn report(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Waiting => line("another process is installing; waiting for it"),
            Progress::Downloading {
                client,
                archive,
                into,
                bytes,
                total,
            } => {
                if self.begin(Step::Download(*client)) {
                    line(&format!(
                        "downloading codex runtime ({}, {} MB) with {client} into {}",
                        archive.spec,
                        archive.size.div_ceil(1_000_000),
                        into.display()
                    ));
                }
                self.advance(*bytes, *total);
            }
            Progress::Failed { failure } => {
                self.end_bar();
                self.step = None;
                line(&format!("{failure}"));
            }
            Progress::Checking => {
                self.begin(Step::Check);
                line("checking the archive");
            }
            Progress::Unpacking { bytes, total } => {
                if self.begin(Step::Unpack) {
                    line(&format!("unpacking {} MB", total.div_ceil(1_000_000)));
                }
                self.advance(*bytes, *total);
            }
            Progress::Verifying => {
                self.begin(Step::Verify);
                line("verifying the unpacked files");
            }
            // A step that this program does not know needs no line.
            _ => {}
        }
    }

    /// Whether this step is new.
    fn begin(&mut self, step: Step) -> bool {
        if self.step.as_ref() == Some(&step) {
            return false;
        }
        self.end_bar();
        self.step = Some(step);
        true
    }

    fn advance(&mut self, bytes: u64, total: u64) {
        if !self.terminal {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let template = "{bar:40} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {elapsed}";
            let style =
                ProgressStyle::with_template(template).expect("the template is well-formed");
            ProgressBar::new(total).with_style(style)
        });
        bar.set_position(bytes);
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// An error with what caused it, and with what each client said.
pub(crate) fn error(error: &Error) {
    let mut text = format!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Most errors say it in their own line.
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    line(&text);
    if let Error::Download { failures } = error {
        for failure in failures
            .iter()
            .filter(|failure| !failure.stderr().is_empty())
        {
            line(&format!("--- what {} said", failure.client()));
            line(failure.stderr());
        }
    }
}

/// A line on standard error.
pub(crate) fn line(text: &str) {
    // Nobody is left to be told when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}
