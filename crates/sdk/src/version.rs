//! Which runtimes this SDK drives.

use std::cmp::Ordering;
use std::fmt;

use openai_codex_types::RUNTIME_VERSION;

use crate::error::{Error, ErrorKind, Result};

/// Which version of the runtime is acceptable.
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// use openai_codex::{Codex, VersionPolicy};
///
/// let codex = Codex::builder().version_policy(VersionPolicy::Exact).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VersionPolicy {
    /// Equal to the version that this SDK was generated from.
    Exact,
    /// The same major and minor version, or newer. Another one is used all the
    /// same if it was named by the caller, with one warning.
    #[default]
    Compatible,
    /// Whatever it is.
    Any,
}

/// What a policy says of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fits,
    Doubtful,
    Refused,
}

impl VersionPolicy {
    pub(crate) fn judge(self, version: Option<&str>) -> Verdict {
        let parsed = version.and_then(Version::parse);
        let pin = Version::parse(RUNTIME_VERSION);
        match self {
            Self::Any => Verdict::Fits,
            Self::Exact if version == Some(RUNTIME_VERSION) => Verdict::Fits,
            Self::Exact => Verdict::Refused,
            Self::Compatible => match (parsed, pin) {
                (Some(version), Some(pin)) if version.is_compatible_with(&pin) => Verdict::Fits,
                _ => Verdict::Doubtful,
            },
        }
    }

    /// Checks what the handshake said.
    pub(crate) fn check(self, version: Option<&str>) -> Result<()> {
        let said = version.unwrap_or("no version");
        match self.judge(version) {
            Verdict::Fits => Ok(()),
            Verdict::Doubtful => {
                tracing::warn!(
                    runtime = said,
                    generated_from = RUNTIME_VERSION,
                    "this SDK was made for another version of the runtime; what it does not know \
                     is kept as it comes"
                );
                Ok(())
            }
            Verdict::Refused => Err(Error::new(
                ErrorKind::Handshake,
                format!(
                    "the runtime says {said}, and VersionPolicy::Exact wants {RUNTIME_VERSION}; \
                     install that one, or use VersionPolicy::Compatible"
                ),
            )),
        }
    }
}

/// A release or pre-release, as far as it is needed to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: [u64; 3],
    is_pre_release: bool,
}

impl Version {
    /// Reads `0.163.0` or `0.170.0-alpha.1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (release, pre) = match text.split_once('-') {
            Some((release, pre)) => (release, !pre.is_empty()),
            None => (text, false),
        };
        let mut numbers = release.split('.').map(|number| number.parse().ok());
        let numbers = [numbers.next()??, numbers.next()??, numbers.next()??];
        Some(Self {
            numbers,
            is_pre_release: pre,
        })
    }

    fn is_compatible_with(&self, pin: &Self) -> bool {
        self.numbers[..2] == pin.numbers[..2] || *self > *pin
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let by_number = self.numbers.cmp(&other.numbers);
        Some(by_number.then(other.is_pre_release.cmp(&self.is_pre_release)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The version since which the runtime understands external messages, turn
/// triggers, the service tier of a single turn, and leaving turns out. Older
/// ones ignore them in silence.
const GUARDED_SINCE: Version = Version {
    numbers: [0, 151, 0],
    is_pre_release: false,
};

/// Fails if the runtime is too old for `options`.
pub(crate) fn require(
    runtime: Option<&str>,
    method: &'static str,
    options: &[&'static str],
) -> Result<()> {
    let new_enough = runtime
        .and_then(Version::parse)
        .is_some_and(|version| version >= GUARDED_SINCE);
    if options.is_empty() || new_enough {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "{} needs codex {GUARDED_SINCE} or newer, and the runtime says {}; nothing was sent",
            options.join(" and "),
            runtime.unwrap_or("no version"),
        ),
    )
    .with_method(method))
}

/// Whether a runtime is a build without a version, as one from a checkout is.
pub(crate) fn is_unversioned(version: Option<&str>) -> bool {
    let version = version.and_then(Version::parse);
    version.is_some_and(|version| version.numbers == [0, 0, 0])
}

/// An option that is not in the schema of a runtime without a version.
pub(crate) fn unknown(method: &'static str, option: &str) -> Error {
    let message = format!(
        "{option} needs codex {GUARDED_SINCE} or newer, and this build without a version does not \
         know it; nothing was sent"
    );
    Error::new(ErrorKind::InvalidInput, message).with_method(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_judge_versions() {
        for (version, exact, compatible) in [
            (Some("0.163.0"), Verdict::Fits, Verdict::Fits),
            (Some("0.163.9"), Verdict::Refused, Verdict::Fits),
            (Some("0.163.0-alpha.1"), Verdict::Refused, Verdict::Fits),
            (Some("0.170.0"), Verdict::Refused, Verdict::Fits),
            (Some("1.0.0"), Verdict::Refused, Verdict::Fits),
            (Some("0.162.9"), Verdict::Refused, Verdict::Doubtful),
            (Some("nonsense"), Verdict::Refused, Verdict::Doubtful),
            (None, Verdict::Refused, Verdict::Doubtful),
        ] {
            assert_eq!(VersionPolicy::Exact.judge(version), exact, "{version:?}");
            assert_eq!(
                VersionPolicy::Compatible.judge(version),
                compatible,
                "{version:?}"
            );
            assert_eq!(
                VersionPolicy::Any.judge(version),
                Verdict::Fits,
                "{version:?}"
            );
        }
    }

    #[test]
    fn options_that_an_old_runtime_ignores_are_refused() {
        assert!(require(Some("0.150.9"), "turn/start", &[]).is_ok());
        for version in ["0.151.0", "0.163.0", "1.0.0"] {
            assert!(
                require(Some(version), "turn/start", &["source"]).is_ok(),
                "{version}"
            );
        }
        for version in [Some("0.150.9"), Some("0.151.0-alpha.3"), Some("x"), None] {
            let error = require(version, "turn/start", &["source"]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("0.151.0"), "{error}");
        }
    }
}
