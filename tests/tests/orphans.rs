//! What the real runtime's commands do when it is killed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use openai_codex::{ApprovalMode, Codex, Sandbox};
use openai_codex_testkit::{MockModel, PATIENCE, TestRuntime};

/// The processes that this one has started and that run this binary.
fn runtimes(binary: &Path) -> Vec<i32> {
    let binary = binary.canonicalize().unwrap();
    let mine = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = stat(id)?;
        let is_mine = stat.split_ascii_whitespace().nth(1) == Some(mine.as_str());
        let is_it = fs::read_link(entry.path().join("exe")).ok()? == binary;
        (is_mine && is_it).then_some(id)
    });
    ids.collect()
}

/// What `/proc` says of a living process, behind its name.
fn stat(id: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    (!rest.starts_with(" Z")).then(|| rest.to_owned())
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn no_policy_for_the_environment_of_commands_leaves_orphans() {
    for (toml, clean) in [
        ("", ""),
        ("[shell_environment_policy]\ninherit = \"none\"\n", ""),
        ("[shell_environment_policy]\ninherit = \"core\"\n", ""),
        ("[shell_environment_policy]\ninherit = \"all\"\n", ""),
        ("[shell_environment_policy]\nexclude = [\"*CODEX*\"]\n", ""),
        (
            "[shell_environment_policy]\ninclude_only = [\"PATH\"]\n",
            "",
        ),
        (
            "[shell_environment_policy]\ninherit = \"none\"\nset = { PATH = \"/usr/bin:/bin\" }\n",
            "",
        ),
        ("", "env -i "),
    ] {
        let model = MockModel::start().unwrap();
        let runtime = TestRuntime::builder(&model)
            .extra_toml(toml)
            .build()
            .unwrap();
        let file = runtime.workspace().join("id");
        let command = format!(
            "exec {clean}/bin/sh -c 'trap \"\" TERM HUP INT; echo $$ >{}; while :; do /bin/sleep 1; done'",
            file.display()
        );
        model.shell(&command);
        model.say("done").optional();
        let codex = Codex::builder()
            .codex_bin(runtime.binary())
            .cwd(runtime.workspace())
            .envs(runtime.env())
            .await
            .unwrap();
        let ids = runtimes(runtime.binary());
        assert_eq!(ids.len(), 1, "{ids:?}");
        let thread = codex
            .thread_start()
            .approval_mode(ApprovalMode::DenyAll)
            .sandbox(Sandbox::FullAccess)
            .await
            .unwrap();
        let turn = thread.turn("Run it.").await.unwrap();
        let command = until("the command runs", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.strip_suffix('\n')?.parse().ok()
        })
        .await;
        // Longer than the looks that may be spared.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let killed = Command::new("kill")
            .args(["-9", &ids[0].to_string()])
            .status();
        assert!(killed.unwrap().success());
        until(&format!("no orphan is left: {toml:?} {clean:?}"), || {
            stat(command).is_none().then_some(())
        })
        .await;
        drop(turn);
    }
}
