//! Which runtimes this SDK drives.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use openai_codex_types::{ClientRequest, OLDEST_RUNTIME, PROTOCOL, RUNTIME_VERSION};
use serde::de::IgnoredAny;

use crate::codex::{encode, unencodable};
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
    /// From the oldest version that is supported on, [`OLDEST_RUNTIME`](crate::types::OLDEST_RUNTIME).
    /// One that tells no version is used all the same, with one warning.
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
        let oldest = Version::parse(OLDEST_RUNTIME);
        match self {
            Self::Any => Verdict::Fits,
            Self::Exact if version == Some(RUNTIME_VERSION) => Verdict::Fits,
            Self::Exact => Verdict::Refused,
            Self::Compatible => match (parsed, oldest) {
                // A build from a checkout, which may be newer than anything.
                (Some(version), _) if version.is_unversioned() => Verdict::Doubtful,
                (Some(version), Some(oldest)) if version < oldest => Verdict::Refused,
                (Some(_), _) => Verdict::Fits,
                (None, _) => Verdict::Doubtful,
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
                    "this runtime tells no version; what this SDK does not know of it is kept as \
                     it comes"
                );
                Ok(())
            }
            Verdict::Refused => Err(Error::new(ErrorKind::Handshake, self.refusal(said))),
        }
    }
}

impl VersionPolicy {
    fn refusal(self, said: &str) -> String {
        match self {
            Self::Compatible => format!(
                "the runtime says {said}, and the oldest that is supported is {OLDEST_RUNTIME}; \
                 install {RUNTIME_VERSION} with `openai-codex-runtime install`, or use \
                 VersionPolicy::Any at your own risk"
            ),
            Self::Exact | Self::Any => format!(
                "the runtime says {said}, and VersionPolicy::Exact wants {RUNTIME_VERSION}; \
                 install that one, or use VersionPolicy::Compatible"
            ),
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

    fn is_unversioned(&self) -> bool {
        self.numbers == [0, 0, 0]
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = self.numbers.cmp(&other.numbers);
        by_number.then(other.is_pre_release.cmp(&self.is_pre_release))
    }
}

/// An option that the runtime does not know, as far as its version tells. Older ones ignore
/// such a member in silence.
#[derive(Debug)]
pub(crate) struct Needed {
    /// What the caller knows it by.
    name: Cow<'static, str>,
    /// The type of the params and the member in it.
    pub(crate) params: &'static str,
    pub(crate) member: &'static str,
    since: &'static str,
}

/// The members that are set in params and came after the runtime's version. `options` are
/// those that builders set by another name.
pub(crate) fn needed<R: ClientRequest>(
    runtime: Option<&str>,
    params: &R,
    options: &[(&str, &'static str)],
) -> Result<Vec<Needed>> {
    let runtime = runtime.and_then(Version::parse);
    let knows = |since: &str| match (&runtime, Version::parse(since)) {
        (Some(runtime), Some(since)) => *runtime >= since,
        _ => false,
    };
    let Some(spec) = PROTOCOL.request(R::METHOD) else {
        return Ok(Vec::new());
    };
    let newer = spec.newer_members.iter();
    let newer: Vec<_> = newer.filter(|member| !knows(member.since)).collect();
    if newer.is_empty() {
        return Ok(Vec::new());
    }
    let set = encode(R::METHOD, params)?;
    let set: HashMap<Cow<'_, str>, IgnoredAny> =
        serde_json::from_str(set.get()).map_err(|error| unencodable(R::METHOD, error))?;
    let needed = newer.into_iter().filter(|it| set.contains_key(it.name));
    let named = |member: &'static str| {
        let option = options.iter().find(|(it, _)| *it == member);
        option.map_or_else(|| snake_case(member).into(), |(_, name)| (*name).into())
    };
    Ok(needed
        .map(|it| Needed {
            name: named(it.name),
            params: spec.params,
            member: it.name,
            since: it.since,
        })
        .collect())
}

/// `parentTurnId` as builders and params have it: `parent_turn_id`.
fn snake_case(member: &str) -> String {
    let mut name = String::with_capacity(member.len() + 4);
    for letter in member.chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

impl Needed {
    /// Why nothing is sent, if anything is needed.
    pub(crate) fn error(
        needed: &[Self],
        method: &'static str,
        runtime: Option<&str>,
    ) -> Option<Error> {
        let newest = needed.iter().map(|it| it.since);
        let since = newest.max_by_key(|since| Version::parse(since))?;
        let names: Vec<_> = needed.iter().map(|it| &*it.name).collect();
        let message = format!(
            "{} needs codex {since} or newer, and the runtime says {}; nothing was sent",
            names.join(" and "),
            runtime.unwrap_or("no version"),
        );
        Some(Error::new(ErrorKind::InvalidInput, message).with_method(method))
    }

    /// It is not in the schema of a runtime without a version.
    pub(crate) fn unknown(&self, method: &'static str) -> Error {
        let message = format!(
            "{} needs codex {} or newer, and this build without a version does not know it; \
             nothing was sent",
            self.name, self.since
        );
        Error::new(ErrorKind::InvalidInput, message).with_method(method)
    }
}

/// Whether a runtime is a build without a version, as one from a checkout is.
pub(crate) fn is_unversioned(version: Option<&str>) -> bool {
    let version = version.and_then(Version::parse);
    version.is_some_and(|version| version.is_unversioned())
}

#[cfg(test)]
mod tests {
    use openai_codex_types::TurnStartParams;

    use super::*;

    #[test]
    fn policies_judge_versions() {
        for (version, exact, compatible) in [
            (Some(RUNTIME_VERSION), Verdict::Fits, Verdict::Fits),
            (Some(OLDEST_RUNTIME), Verdict::Refused, Verdict::Fits),
            (Some("0.154.1-alpha.1"), Verdict::Refused, Verdict::Fits),
            (Some("0.154.0-alpha.1"), Verdict::Refused, Verdict::Refused),
            (Some("0.153.9"), Verdict::Refused, Verdict::Refused),
            (Some("0.133.0"), Verdict::Refused, Verdict::Refused),
            (Some("1.0.0"), Verdict::Refused, Verdict::Fits),
            (Some("0.0.0"), Verdict::Refused, Verdict::Doubtful),
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
    fn what_is_too_old_is_told_with_the_way_out() {
        let error = VersionPolicy::Compatible
            .check(Some("0.144.4"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Handshake);
        let text = error.to_string();
        for part in [
            "the runtime says 0.144.4",
            OLDEST_RUNTIME,
            "openai-codex-runtime install",
            "VersionPolicy::Any",
        ] {
            assert!(text.contains(part), "no {part} in: {text}");
        }
        assert!(VersionPolicy::Any.check(Some("0.144.4")).is_ok());
    }

    fn refused(runtime: Option<&str>, params: &TurnStartParams) -> Option<String> {
        let needed = needed(runtime, params, &[("turnTrigger", "source")]).unwrap();
        let error = Needed::error(&needed, "x", runtime)?;
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Some(error.to_string())
    }

    #[test]
    fn options_that_an_old_runtime_ignores_are_refused() {
        let plain = TurnStartParams::new("t", []);
        let labelled = plain.clone().turn_trigger("cron");
        let both = labelled.clone().parent_turn_id("u");
        assert_eq!(refused(Some("0.1.0"), &plain), None);
        for version in ["0.151.0", "0.163.0", "1.0.0"] {
            assert_eq!(refused(Some(version), &labelled), None, "{version}");
        }
        for version in [Some("0.150.9"), Some("0.151.0-alpha.3"), Some("x"), None] {
            let text = refused(version, &labelled).unwrap();
            assert!(text.contains("source needs codex 0.151.0"), "{text}");
            let text = refused(version, &both).unwrap();
            let needs = "parent_turn_id and source needs codex 0.163.0";
            assert!(text.contains(needs), "{text}");
        }
        // What one version knows, it may be given.
        let text = refused(Some("0.151.0"), &both).unwrap();
        assert!(
            text.contains(": parent_turn_id needs codex 0.163.0"),
            "{text}"
        );
    }
}
