//! What is run on Windows, and what cannot work there or under Wine, and why.

/// The tests of one target of a package.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) package: &'static str,
    /// The name of the test target; that of the package's library or program otherwise.
    pub(crate) target: &'static str,
    /// Whether all of it needs the real runtime.
    pub(crate) needs_runtime: bool,
}

const fn alone(package: &'static str, target: &'static str) -> Suite {
    Suite {
        package,
        target,
        needs_runtime: false,
    }
}

const fn with_runtime(package: &'static str, target: &'static str) -> Suite {
    Suite {
        package,
        target,
        needs_runtime: true,
    }
}

/// What is run.
pub(crate) const SUITES: &[Suite] = &[
    alone("openai-codex-job", "ends"),
    alone("openai-codex-wire", "openai_codex_wire"),
    alone("openai-codex-recording", "format"),
    alone("openai-codex-wire", "redact"),
    alone("openai-codex-wire", "support"),
    alone("openai-codex-connection", "openai_codex_connection"),
    alone("openai-codex", "openai_codex"),
    alone("openai-codex-runtime", "openai_codex_runtime"),
    alone("openai-codex-runtime", "bounds"),
    alone("openai-codex-runtime", "cli"),
    alone("openai-codex-runtime", "install"),
    alone("openai-codex-runtime", "refuse"),
    alone("openai-codex-testkit", "openai_codex_testkit"),
    alone("openai-codex-testkit", "fake_server"),
    alone("openai-codex-testkit", "replay"),
    alone("openai-codex-testkit-cli", "codex-testkit"),
    alone("openai-codex-testkit-cli", "cli"),
    with_runtime("openai-codex-testkit", "faults"),
    with_runtime("openai-codex-testkit", "gates"),
    with_runtime("openai-codex-testkit", "matching"),
    with_runtime("openai-codex-testkit", "replies"),
    with_runtime("openai-codex-testkit", "requests"),
    with_runtime("openai-codex-testkit", "runtime"),
];

/// Tests that are not run.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) package: &'static str,
    pub(crate) target: &'static str,
    /// The name of a test, or the beginning of several with `*` at the end.
    pub(crate) test: &'static str,
    pub(crate) why: Why,
}

/// Why a test is not run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    /// It is run where there is a runtime.
    NeedsRuntime,
    /// It cannot work.
    Cannot(&'static str),
}

impl Known {
    /// Whether it is about a test of this suite.
    pub(crate) fn is_of(&self, suite: &Suite) -> bool {
        self.package == suite.package && self.target == suite.target
    }

    /// Whether it is about this test of its suite.
    pub(crate) fn is_about(&self, test: &str) -> bool {
        match self.test.strip_suffix('*') {
            Some(beginning) => test.starts_with(beginning),
            None => test == self.test,
        }
    }
}

const fn cannot(
    package: &'static str,
    target: &'static str,
    test: &'static str,
    why: &'static str,
) -> Known {
    Known {
        package,
        target,
        test,
        why: Why::Cannot(why),
    }
}

const CONNECTION: &str = "openai-codex-connection";
const TESTKIT: &str = "openai-codex-testkit";

/// All of them.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        package: CONNECTION,
        target: "openai_codex_connection",
        test: "tests::runtime::*",
        why: Why::NeedsRuntime,
    },
    cannot(
        TESTKIT,
        "matching",
        "rounds_count_within_a_turn",
        NO_SANDBOX,
    ),
    cannot(
        TESTKIT,
        "matching",
        "threads_that_run_at_once_get_the_replies_made_for_them",
        NO_SANDBOX,
    ),
    cannot(
        TESTKIT,
        "replies",
        "a_shell_command_runs_and_its_output_goes_back_to_the_model",
        NO_SANDBOX,
    ),
    cannot(TESTKIT, "runtime", "the_user_is_kept_out", NO_SANDBOX),
    cannot(TESTKIT, "runtime", "options_reach_the_runtime", NO_WRITING),
    cannot(
        TESTKIT,
        "runtime",
        "a_patch_changes_the_workspace",
        NO_WRITING,
    ),
    cannot(
        TESTKIT,
        "runtime",
        "an_escalated_command_asks_its_client",
        NO_SHELL,
    ),
];

const NO_SANDBOX: &str = "the Windows runtime refuses every command of a read-only sandbox while no \
    Windows sandbox is set up (0.163.0: \"blocked by policy\")";
const NO_WRITING: &str = "the Windows runtime takes `workspace-write` for read-only while no Windows \
    sandbox is set up (0.163.0)";
const NO_SHELL: &str = "Wine's PowerShell is a stand-in that runs nothing";
