//! From the bundle that a runtime writes to definitions ready for lowering.

pub(crate) mod canonical;
pub(crate) mod fixups;
pub(crate) mod load;
pub(crate) mod messages;
pub(crate) mod normalise;
pub(crate) mod older;
pub(crate) mod own_types;
pub(crate) mod read;
pub(crate) mod renames;
pub(crate) mod retired;
pub(crate) mod stable;
pub(crate) mod vocabulary;

/// Where in the schema a pass stands, for errors.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pass: &'static str,
    pointer: String,
}

impl At {
    /// The definition `name`, as seen by `pass`.
    pub(crate) fn definition(pass: &'static str, name: &str) -> Self {
        Self {
            pass,
            pointer: format!("/definitions/{}", escape(name)),
        }
    }

    /// A member further in.
    pub(crate) fn child(&self, segment: impl ToString) -> Self {
        Self {
            pass: self.pass,
            pointer: format!("{}/{}", self.pointer, escape(&segment.to_string())),
        }
    }

    /// An error here.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> anyhow::Error {
        anyhow::anyhow!("{} ({}): {message}", self.pointer, self.pass)
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.pointer)
    }
}

fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}
