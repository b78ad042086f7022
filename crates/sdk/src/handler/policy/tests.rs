use std::fs;
use std::path::Path;

use openai_codex_types::CommandExecutionRequestApprovalParams as Request;
use serde_json::{Value, json};

use super::CommandRule;

/// What the runtime asks about a line, shell included.
fn asks(text: &str, cwd: &Path, change: impl FnOnce(&mut Value)) -> Request {
    let mut request = json!({
        "kind": "command", "threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0,
        "environmentId": "local", "command": text, "cwd": cwd,
        "availableDecisions": ["accept", "cancel"],
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn allows(rule: &CommandRule, script: &str, cwd: &Path) -> bool {
    let quoted = script.replace('\'', "'\"'\"'");
    rule.allows(&asks(&format!("/bin/bash -c '{quoted}'"), cwd, |_| {}))
}

#[test]
fn words_are_matched_one_by_one() {
    let here = Path::new("/");
    let rule = CommandRule::words(["git", "log", "-n", "*"]);
    assert!(allows(&rule, "git log -n 3", here));
    assert!(allows(&rule, "git log -n '3 4'", here));
    for script in [
        "git log -n",
        "git log -n 3 4",
        "git  push -n 3",
        "./git log -n 3",
        "/usr/bin/git log -n 3",
        "/tmp/git log -n 3",
        "git log -n 3; rm x",
        "git log -n 3 && rm x",
        "git log -n $(rm x)",
        "git log -n \"$(rm x)\"",
        "git log -n 3\nrm x",
        "git log -n 3 > x",
        "PATH=. git log -n 3",
        "env git log -n 3",
        "git 'log -n' 3",
        "'git log' -n 3",
    ] {
        assert!(!allows(&rule, script, here), "{script}");
    }
    let rule = CommandRule::words(["cargo", "test", "--*=a*b", "**"]);
    assert!(allows(&rule, "cargo test --x=ab", here));
    assert!(allows(&rule, "cargo test --x=a==b c d", here));
    assert!(!allows(&rule, "cargo test --x=a", here));
    assert!(!allows(&rule, "cargo test x=ab", here));
    assert!(!allows(&rule, "cargo test", here));
    let rule = CommandRule::words(["git", "fetch", "*", "*.rs"]);
    assert!(allows(&rule, "git fetch origin a.rs", here));
    for script in [
        "git fetch --upload-pack=evil a.rs",
        "git fetch '--upload-pack=rm x' a.rs",
        "git fetch -u a.rs",
        "git fetch - a.rs",
        "git fetch origin -a.rs",
        "git -c core.pager=evil fetch origin a.rs",
    ] {
        assert!(!allows(&rule, script, here), "{script}");
    }
    let rule = CommandRule::words(["git", "fetch", "-*", "**"]);
    assert!(allows(&rule, "git fetch -q --depth=1", here));
    assert!(allows(&CommandRule::program("make"), "make", here));
    assert!(!allows(&CommandRule::program("*"), "make", here));
    assert!(!allows(&CommandRule::words(["**"]), "make", here));
    assert!(!allows(&CommandRule::words([""; 0]), "make", here));
}

#[test]
fn a_request_for_more_than_a_command_is_denied() {
    let rule = CommandRule::test(|_| true);
    let here = Path::new("/");
    let ask = |change: fn(&mut Value)| rule.allows(&asks("/bin/bash -c ls", here, change));
    assert!(ask(|_| {}));
    assert!(ask(|it| it["availableDecisions"] = Value::Null));
    assert!(ask(|it| it["environmentId"] = Value::Null));
    for change in [
        |it: &mut Value| it["kind"] = json!("writeStdin"),
        |it: &mut Value| it["kind"] = json!("from the future"),
        |it: &mut Value| it["command"] = Value::Null,
        |it: &mut Value| it["cwd"] = Value::Null,
        |it: &mut Value| it["environmentId"] = json!("elsewhere"),
        |it: &mut Value| it["approvalId"] = json!("a"),
        |it: &mut Value| it["availableDecisions"] = json!(["cancel"]),
        |it: &mut Value| it["additionalPermissions"] = json!({"network": {"enabled": true}}),
        |it: &mut Value| it["networkApprovalContext"] = json!({"host": "h", "protocol": "https"}),
    ] {
        assert!(!ask(change));
    }
}

#[test]
fn a_command_stays_inside_a_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("project");
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(home.path().join("secret"), "").unwrap();
    fs::write(folder.join("src/a.rs"), "").unwrap();
    let rule = CommandRule::inside(&folder);
    let text = folder.to_str().unwrap().to_owned();
    for script in [
        "cat src/a.rs",
        "cat new/file",
        "ls -la",
        "head -n 3 ./src",
        "grep --file=src/a.rs x",
        &format!("cat {text}/src/a.rs"),
        &format!("cat --x={text}/src"),
        "git log HEAD~1",
        "git log HEAD~3..HEAD",
        "grep 'a..b' src/a.rs",
        "ls ./src/../src",
        "ls src/..",
        "ls ../project/src",
        "cat ..a/b",
    ] {
        let script = script.replace("HEAD~1", "'HEAD~1'");
        assert!(allows(&rule, &script, &folder), "{script}");
        assert!(allows(&CommandRule::inside(home.path()), &script, &folder));
    }
    for script in [
        "cat ../secret",
        "cat src/../../secret",
        "cat ..",
        "ls src/../..",
        "ls ../projectx",
        "cat -f../secret",
        "cat -xf../secret",
        "cat --file=../secret",
        "cat x=../secret",
        "cat @../secret",
        "cat ./../secret",
        "cat src//../../secret",
        // What is not there yet may be made a link.
        "cat none/../src/a.rs",
        "cat none/../../secret",
        "cat src/a.rs/../../../secret",
        "cat /etc/passwd",
        "cat -f/etc/passwd",
        "cat -xf/etc/passwd",
        "cat +/etc/passwd",
        "cat +xf/etc/passwd",
        "cat --file=/etc/passwd",
        "cat a=/etc/passwd",
        "cat host:/etc/passwd",
        "cat @/etc/passwd",
        "cat file:///etc/passwd",
        "cat 'r /etc/passwd'",
        "cat '~/x'",
        "cat --file='~/x'",
        &format!("cat {text}x/y"),
        // Nobody writes these, and looking into them would take long.
        &format!("cat {}", "x/".repeat(1000)),
        &format!("cat {}", "a,".repeat(100)),
    ] {
        assert!(!allows(&rule, script, &folder), "{script}");
    }
    assert!(allows(&rule, "ls", &folder.join("src")));
    assert!(!allows(&rule, "ls", home.path()));
    assert!(!allows(&rule, "ls", &folder.join("none")));
    assert!(!allows(&rule, "ls", Path::new("src")));
    let here = std::env::current_dir().unwrap();
    assert!(allows(&CommandRule::inside(&here), "ls", &here.join("src")));
    assert!(!allows(&CommandRule::inside(&here), "ls", Path::new("src")));
    assert!(!allows(
        &CommandRule::inside(folder.join("none")),
        "ls",
        &folder
    ));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed() {
    use std::os::unix::fs::symlink;

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("project");
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(home.path().join("secret"), "").unwrap();
    symlink(home.path(), folder.join("out")).unwrap();
    symlink(home.path().join("secret"), folder.join("s")).unwrap();
    symlink(home.path().join("none"), folder.join("dangling")).unwrap();
    symlink(folder.join("src"), folder.join("in")).unwrap();
    // Names that look like options, and names that stand before a sign.
    for name in ["-l", "--l", "--x=l"] {
        symlink(home.path(), folder.join(name)).unwrap();
    }
    let rule = CommandRule::inside(&folder);
    symlink(home.path().join("deep/er"), folder.join("src/deep")).unwrap();
    fs::create_dir_all(home.path().join("deep/er")).unwrap();
    assert!(allows(&rule, "ls in", &folder));
    assert!(allows(&rule, "ls in/../src", &folder));
    assert!(!allows(&rule, "ls src/deep/..", &folder));
    assert!(!allows(&rule, "ls src/deep/../../secret", &folder));
    for script in [
        "cat -- -l/secret",
        "cat -- --l/secret",
        "cat -- --x=l/secret",
        "cat out:x",
        "cat out,x",
        "cat x:out,y",
        "cat s",
        "cat -fs",
        "cat -f=s",
        "cat --file=s",
        "cat x=s",
        "cat @s",
        "cat out/secret",
        "cat out/new",
        "cat dangling",
        "ls out",
        // Where they lead to, and what is written.
        "cat in/../../secret",
        "cat out/../x",
        "cat out/project/../secret",
    ] {
        assert!(!allows(&rule, script, &folder), "{script}");
    }
    assert!(!allows(&rule, "ls", &folder.join("out")));
}

#[test]
fn rules_are_put_together() {
    let here = Path::new("/");
    let make = || CommandRule::program("make");
    let check = || CommandRule::test(|it| it.arguments() == ["check"]);
    assert!(allows(&make().and(check()), "make check", here));
    assert!(!allows(&make().and(check()), "make install", here));
    assert!(!allows(&make().and(check()), "ninja check", here));
    assert!(allows(&make().or(check()), "ninja check", here));
    assert!(!allows(&make().or(check()), "ninja", here));
    for (script, is_read_only) in [
        ("cat /etc/hosts", true),
        ("grep -r x .", true),
        ("/tmp/cat x", false),
        ("./cat x", false),
        ("find . -delete", false),
        ("sort -o x y", false),
        ("cat x > y", false),
    ] {
        let allowed = allows(&CommandRule::read_only(), script, here);
        assert_eq!(allowed, is_read_only, "{script}");
    }
}
