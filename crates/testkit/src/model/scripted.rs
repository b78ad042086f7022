//! A response while its statement still adds to it.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::gate::Gate;
use crate::model::MockModel;
use crate::model::reply::{
    Ending, Reply, Step, Usage, patch_command, reply_chain, shell_arguments, verdict,
};
use crate::model::script::{Entry, Matcher};

/// A response on its way into the script: chain what else it does. It is added on drop, which is
/// at the end of the statement.
pub struct Scripted<'a> {
    pub(super) model: &'a MockModel,
    pub(super) reply: Reply,
    pub(super) matcher: Option<Arc<Matcher>>,
    pub(super) every_time: bool,
    pub(super) optional: bool,
    pub(super) at: &'static Location<'static>,
}

impl Scripted<'_> {
    reply_chain!(this => &mut this.reply);

    /// Answers every such request, from now on. Not asked for at all, it is still reported.
    pub fn every_time(mut self) -> Self {
        self.every_time = true;
        self
    }

    /// Does not mind never being asked for.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

impl Drop for Scripted<'_> {
    fn drop(&mut self) {
        let entry = Entry {
            reply: Arc::new(std::mem::take(&mut self.reply)),
            matcher: self.matcher.take(),
            every_time: self.every_time,
            optional: self.optional,
            at: self.at,
            number: 0,
            uses: 0,
        };
        self.model.script.update(|script| script.add(entry));
    }
}

impl fmt::Debug for Scripted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("reply", &self.reply)
            .field("conditional", &self.matcher.is_some())
            .field("at", &format_args!("{}", self.at))
            .finish_non_exhaustive()
    }
}
